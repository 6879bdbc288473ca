import { open } from 'node:fs/promises';
import type { TimeLimit } from '../system/clock.ts';
import type { ServerContext } from './server-context.ts';

const TAIL_BYTES = 4_096;
const TAIL_LINES = 12;

/** How long the server log is; 0 when there is none. */
export async function logSize(context: ServerContext, limit: TimeLimit): Promise<number> {
  return context.disk.run('looking at the server log', limit, async () => {
    const file = await open(context.files.serverLog, 'a', 0o600);
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  });
}

/** The last lines that were written behind an offset; '' when there are none or the disk does not answer. */
export async function lastLines(context: ServerContext, offsetBytes: number): Promise<string> {
  try {
    return await context.disk.run('reading the server log', { timeoutMs: 1_000 }, async () => {
      const file = await open(context.files.serverLog, 'r');
      try {
        const { size } = await file.stat();
        const from = Math.max(offsetBytes, size - TAIL_BYTES);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, from);
        return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-TAIL_LINES).join('\n');
      } finally {
        await file.close();
      }
    });
  } catch {
    // It only serves to explain another error, which must not be lost over it.
    return '';
  }
}
