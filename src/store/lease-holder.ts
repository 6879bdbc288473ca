import { BatonError } from '../lib/baton-error.ts';
import type { Deadline, Lease, StoreClock } from './store.ts';

/**
 * The holder's side of a lease, the same for every home: it counts from before
 * each request on its own clock, so it always gives up before the store does.
 */
export function createLeaseHolder(deps: {
  readonly id: number;
  readonly ttlMs: number;
  /** The holder's clock before it asked. */
  readonly askedAtMs: number;
  readonly clock: StoreClock;
  /** False: the store says that the lease has ended. Rejects when that is not known. */
  readonly renew: (call: Deadline) => Promise<boolean>;
  readonly end: (call: Deadline) => Promise<void>;
}): Lease {
  const { clock, ttlMs } = deps;
  let heldUntilMs = deps.askedAtMs + ttlMs;
  let state: 'held' | 'lost' | 'released' = 'held';
  let listeners: (() => void)[] = [];
  let cancelTimer = watchDeadline();

  function watchDeadline(): () => void {
    return clock.after(Math.max(0, heldUntilMs - clock.now()), () => {
      if (state !== 'held') return;
      if (clock.now() < heldUntilMs) cancelTimer = watchDeadline();
      else lose();
    });
  }

  function lose(): void {
    state = 'lost';
    cancelTimer();
    const waiting = listeners;
    listeners = [];
    for (const listener of waiting) listener();
  }

  return {
    id: deps.id,
    heldUntilMs: () => heldUntilMs,
    async renew(call) {
      const askedAtMs = clock.now();
      // Lost stays lost, also when the store would have gone on with it: its holder has acted on the loss.
      const renewed = state === 'held' && (await deps.renew(call));
      if (!renewed && state === 'held') lose();
      if (!renewed || state !== 'held') throw new BatonError('BATON_REFUSED', 'the lease has ended');
      heldUntilMs = Math.max(heldUntilMs, askedAtMs + ttlMs);
      return heldUntilMs;
    },
    async release(call) {
      if (state === 'held') state = 'released';
      cancelTimer();
      await deps.end(call);
    },
    onLost(listener) {
      if (state === 'lost') listener();
      else listeners.push(listener);
    },
  };
}
