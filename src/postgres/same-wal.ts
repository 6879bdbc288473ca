import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lineage } from '../core/lineage.ts';
import type { Lsn } from '../core/lsn.ts';
import { startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import type { ServerContext } from './server-context.ts';
import { readSourceWal } from './source-session.ts';
import type { SqlSession } from './sql-session.ts';
import { partBefore, segmentName, type SegmentPart } from './wal-segment.ts';

/** `unknown`: the source does not have that WAL any more. */
export type SameWal = 'same' | 'different' | 'unknown';

const COMPARED_BYTES = 8_192;

/**
 * Whether the WAL just before a position is the same here and at the source,
 * byte for byte. Equal timeline numbers prove nothing: two promotions can
 * produce the same one, and pg_rewind then finds nothing to do (I10). Records
 * carry checksums and point to the one before, so equal bytes at the end mean
 * an equal way to it.
 */
export async function compareWal(
  context: ServerContext,
  session: SqlSession,
  before: Lsn,
  local: Lineage,
  source: Lineage,
  segmentBytes: number,
  limit: TimeLimit,
): Promise<SameWal> {
  const countdown = startCountdown(limit);
  const part = partBefore(before, COMPARED_BYTES, segmentBytes);
  const here = await firstFound(local, part, segmentBytes, (name) =>
    readLocal(context, name, part, countdown),
  );
  const there = await firstFound(source, part, segmentBytes, (name) =>
    readSourceWal(session, name, part.offsetBytes, part.lengthBytes, limitOf(countdown)),
  );
  if (here === undefined || there === undefined) return 'unknown';
  return here.equals(there) ? 'same' : 'different';
}

/** A segment in which a timeline was left exists under the later one's name too, as a copy up to the fork. */
async function firstFound(
  { position, history }: Lineage,
  part: SegmentPart,
  segmentBytes: number,
  read: (name: string) => Promise<Buffer | undefined>,
): Promise<Buffer | undefined> {
  const timelines = [position.timeline, ...history.map(({ timeline }) => timeline).reverse()];
  for (const timeline of timelines) {
    const name = segmentName(timeline, part.number, segmentBytes);
    const content = (await read(name)) ?? (await read(`${name}.partial`));
    if (content?.length === part.lengthBytes) return content;
  }
  return undefined;
}

function readLocal(
  { disk, files }: ServerContext,
  name: string,
  part: SegmentPart,
  countdown: Countdown,
): Promise<Buffer | undefined> {
  return disk.run(`reading WAL segment ${name}`, limitOf(countdown), async () => {
    const file = await open(join(files.walDirectory, name), 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!file) return undefined;
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(part.lengthBytes),
        0,
        part.lengthBytes,
        part.offsetBytes,
      );
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  });
}
