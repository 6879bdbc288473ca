import { BatonError } from '../lib/baton-error.ts';
import type { Backend, Commit } from './backend.ts';
import type { Lease, StoreClock } from './store.ts';

/** The leases of a store, and when each of them ends. */
export interface LeaseBook {
  /** `askedAtMs`: the holder's clock before it asked. */
  grant(ttlMs: number, askedAtMs: number): Lease;
  isAlive(id: number): boolean;
  close(): void;
}

interface Running {
  readonly ttlMs: number;
  endsAtMs: number;
  cancelTimer: () => void;
}

/** How long the end of a lease that could not be written waits for the next attempt. */
const END_RETRY_MS = 1_000;

/** Leases that an earlier process granted begin anew: their holders count from earlier and give up sooner. */
export function createLeaseBook(
  backend: Backend,
  clock: StoreClock,
  commit: (part: Omit<Commit, 'version'>) => unknown,
): LeaseBook {
  const running = new Map<number, Running>();

  function begin(id: number, ttlMs: number): void {
    const lease: Running = { ttlMs, endsAtMs: clock.now() + ttlMs, cancelTimer: () => undefined };
    running.set(id, lease);
    watchEnd(id, lease);
  }

  function watchEnd(id: number, lease: Running): void {
    lease.cancelTimer();
    lease.cancelTimer = clock.after(Math.max(0, lease.endsAtMs - clock.now()), () => {
      if (clock.now() < lease.endsAtMs) return watchEnd(id, lease);
      try {
        end(id);
      } catch {
        // The medium failed, and whoever writes next is told. The lease counts as ended by the clock;
        // only its keys are still there, until they can be deleted.
        lease.cancelTimer = clock.after(END_RETRY_MS, () => watchEnd(id, lease));
      }
    });
  }

  function end(id: number): void {
    const lease = running.get(id);
    if (lease === undefined) return;
    const changes = backend.keysOfLease(id).map((key) => ({ key, value: null, lease: null }));
    commit({ changes, notes: [], leaseEnded: id });
    lease.cancelTimer();
    running.delete(id);
  }

  function isAlive(id: number): boolean {
    const lease = running.get(id);
    // The timer may be late; the clock is not.
    return lease !== undefined && clock.now() < lease.endsAtMs;
  }

  function renew(id: number): boolean {
    const lease = running.get(id);
    if (lease === undefined || !isAlive(id)) return false;
    lease.endsAtMs = clock.now() + lease.ttlMs;
    watchEnd(id, lease);
    return true;
  }

  for (const { id, ttlMs } of backend.leases()) begin(id, ttlMs);
  let nextId = Math.max(backend.version(), ...running.keys()) + 1;

  return {
    grant(ttlMs, askedAtMs) {
      const id = nextId++;
      commit({ changes: [], notes: [], leaseGranted: { id, ttlMs } });
      begin(id, ttlMs);
      return createHolder({ id, ttlMs, askedAtMs, clock, renew: () => renew(id), end: () => end(id) });
    },
    isAlive,
    close() {
      for (const { cancelTimer } of running.values()) cancelTimer();
    },
  };
}

/** The holder's side: counts from before each request, so it always gives up before the store does. */
function createHolder(deps: {
  readonly id: number;
  readonly ttlMs: number;
  readonly askedAtMs: number;
  readonly clock: StoreClock;
  readonly renew: () => boolean;
  readonly end: () => void;
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
    async renew() {
      const askedAtMs = clock.now();
      await Promise.resolve();
      if (state !== 'held' || !deps.renew()) {
        if (state === 'held') lose();
        throw new BatonError('BATON_REFUSED', 'the lease has ended');
      }
      heldUntilMs = askedAtMs + ttlMs;
      return heldUntilMs;
    },
    async release() {
      await Promise.resolve();
      if (state === 'held') state = 'released';
      cancelTimer();
      deps.end();
    },
    onLost(listener) {
      if (state === 'lost') listener();
      else listeners.push(listener);
    },
  };
}
