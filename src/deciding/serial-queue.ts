import { BatonError } from '../lib/baton-error.ts';

/** Runs tasks one after the other, in the order in which they came. */
export interface SerialQueue {
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Nothing runs or waits; false once it is closed. */
  isIdle(): boolean;
  isClosed(): boolean;
  /** Resolves after the last task; later ones are refused with BATON_STORE_UNAVAILABLE. */
  close(): Promise<void>;
}

export function createSerialQueue(): SerialQueue {
  let tail: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closed = false;

  async function inTurn<T>(before: Promise<unknown>, task: () => Promise<T>): Promise<T> {
    try {
      await before;
    } catch {
      // The task before has told its own caller.
    }
    try {
      return await task();
    } finally {
      waiting--;
    }
  }

  return {
    run<T>(task: () => Promise<T>): Promise<T> {
      if (closed) {
        return Promise.reject(new BatonError('BATON_STORE_UNAVAILABLE', 'who decides here is being stopped'));
      }
      waiting++;
      const result = inTurn(tail, task);
      tail = result;
      return result;
    },
    isIdle: () => waiting === 0 && !closed,
    isClosed: () => closed,
    async close() {
      closed = true;
      await tail.catch(() => undefined);
    },
  };
}
