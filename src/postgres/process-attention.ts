import { BatonError } from '../lib/baton-error.ts';
import { sleep, type Countdown } from '../system/clock.ts';
import { sendSignal, voluntarySwitches } from '../system/process.ts';

/**
 * Makes a server process read its configuration and proves that it has.
 *
 * A reload only sends signals, and nothing in PostgreSQL shows when a process
 * of another kind than a session has acted on one. But such a process acts on
 * it when it next comes to wait: one that has gone to sleep twice since it was
 * signalled, and now waits where it waits for work, has read its files.
 *
 * Throws BATON_TIMEOUT when it does not come to wait; returns false when it is gone.
 */
export async function haveReread(
  pid: number,
  isWaiting: () => Promise<boolean>,
  countdown: Countdown,
  what: string,
): Promise<boolean> {
  if (!sendSignal(pid, 'SIGHUP')) return false;
  const before = voluntarySwitches(pid);
  for (;;) {
    const now = voluntarySwitches(pid);
    if (before === undefined || now === undefined) return false;
    if (now >= before + 2 && (await isWaiting())) return true;
    if (countdown.remainingMs() === 0) {
      throw new BatonError('BATON_TIMEOUT', `${what} has not read its new settings in time`, {
        hint: 'It may be held up by a long query on this standby that conflicts with replay, or by the disk.',
      });
    }
    await sleep(2);
    sendSignal(pid, 'SIGHUP');
  }
}
