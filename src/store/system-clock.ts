import type { StoreClock } from './store.ts';

/** The machine's own monotonic clock. Its timers don't keep a process alive. */
export const SYSTEM_CLOCK: StoreClock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
