import { performance } from 'node:perf_hooks';
import { BatonError } from '../lib/baton-error.ts';

/** Milliseconds on a clock that never jumps; only differences mean anything. */
export type MonotonicClock = () => number;

/** The clock to measure with. Never subtract wall-clock times: they jump. */
export const monotonicNow: MonotonicClock = () => performance.now();

/** The same clock for all processes of this machine, ms since it was started; it stands still while the machine does. */
export function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** How long a call may take. */
export interface TimeLimit {
  readonly timeoutMs: number;
}

/** What is left of a time limit, for a call that consists of several steps. */
export interface Countdown {
  remainingMs(): number;
  /** Throws BATON_TIMEOUT, naming what did not get done, once nothing is left. */
  check(what: string): void;
}

/** Starts to count a limit down. */
export function startCountdown(limit: TimeLimit, now: MonotonicClock = monotonicNow): Countdown {
  const endsAtMonotonicMs = now() + limit.timeoutMs;
  const remainingMs = (): number => Math.max(0, endsAtMonotonicMs - now());
  return {
    remainingMs,
    check(what) {
      if (remainingMs() === 0) throw timeoutError(what, limit.timeoutMs);
    },
  };
}

/** The error of everything that did not end in time. */
export function timeoutError(what: string, timeoutMs: number, detail?: string): BatonError {
  return new BatonError('BATON_TIMEOUT', `${what} took longer than ${Math.round(timeoutMs)} ms`, { detail });
}

/** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/**
 * Asks again and again until the probe has an answer. The first `eagerTimes`
 * pauses are `everyMs` long; later ones grow to ten times that, so that a long
 * wait costs little. Throws BATON_TIMEOUT naming `what`.
 */
export async function waitFor<T>(
  what: string,
  countdown: Countdown,
  everyMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const eagerTimes = 200;
  for (let times = 0; ; times++) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    countdown.check(what);
    await sleep(Math.min(times < eagerTimes ? everyMs : everyMs * 10, countdown.remainingMs()));
  }
}

/**
 * Rejects with BATON_TIMEOUT when the work has not settled in time. The work
 * itself goes on: only for work that cleans up after itself.
 */
export async function withTimeLimit<T>(what: string, limit: TimeLimit, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeoutError(what, limit.timeoutMs)), limit.timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
