import { setTimeout as pause } from 'node:timers/promises';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';

/** How often a process that is to end is looked at, ms. */
const LOOK_EVERY_MS = 50;

/** Waits until a process has ended; false when it still runs after `timeoutMs`. */
export async function waitForEnd(
  context: Pick<CliContext, 'clock' | 'services'>,
  pid: number,
  timeoutMs: number,
): Promise<boolean> {
  const startedAtMs = context.clock.monotonicMs();
  while (context.services.isAlive(pid)) {
    if (context.clock.monotonicMs() - startedAtMs >= timeoutMs) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}

/** Sends a signal and waits until the process has ended. Throws BATON_POSTGRES_STOP_FAILED, with what to do then. */
export async function endProcess(
  context: Pick<CliContext, 'clock' | 'services'>,
  pid: number,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<void> {
  if (!context.services.sendSignal(pid, signal)) return;
  if (await waitForEnd(context, pid, timeoutMs)) return;
  throw new BatonError(
    'BATON_POSTGRES_STOP_FAILED',
    `pgbaton (pid ${pid}) has not ended within ${timeoutMs / 1000} s`,
    {
      hint: 'Its log tells what it waits for. "pgbaton stop --immediate" does not let PostgreSQL finish.',
    },
  );
}
