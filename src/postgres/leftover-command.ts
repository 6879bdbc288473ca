import { startCountdown, waitFor, type TimeLimit } from '../system/clock.ts';
import { readProcess, sendSignal } from '../system/process.ts';
import { limitOf } from './configuration.ts';
import type { ServerContext } from './server-context.ts';

interface Leftover {
  readonly processGroup: number;
  readonly startTicks: number;
}

/**
 * Writes down a long-running program, so that the next keeper can end it when
 * this one is killed: two copies must not write into one directory.
 */
export function rememberCommand(context: ServerContext, processGroup: number): Promise<void> {
  const found = readProcess(processGroup);
  if (!found) return Promise.resolve();
  const leftover: Leftover = { processGroup, startTicks: found.startTicks };
  const text = `${JSON.stringify(leftover)}\n`;
  return context.disk.writeText(context.files.runningCommand, text, 0o600, { timeoutMs: 5_000 });
}

export function forgetCommand(context: ServerContext, limit: TimeLimit): Promise<void> {
  return context.disk.remove(context.files.runningCommand, limit);
}

/** Ends the program that an earlier keeper left running, with its children. */
export async function endLeftoverCommand(context: ServerContext, limit: TimeLimit): Promise<void> {
  const countdown = startCountdown(limit);
  const text = await context.disk.readText(context.files.runningCommand, limitOf(countdown));
  if (text === undefined) return;
  const { processGroup, startTicks } = JSON.parse(text) as Leftover;
  await waitFor('ending a program of an earlier keeper', countdown, 10, () => {
    // Another start time: the number has been given to another process since.
    if (readProcess(processGroup)?.startTicks !== startTicks) return true;
    return sendSignal(-processGroup, 'SIGKILL') ? undefined : true;
  });
  await forgetCommand(context, limitOf(countdown));
}
