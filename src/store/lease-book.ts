import type { Backend, Commit } from './backend.ts';
import { createLeaseHolder } from './lease-holder.ts';
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
      return createLeaseHolder({
        id,
        ttlMs,
        askedAtMs,
        clock,
        // Asynchronous, so that what can not be written rejects.
        renew: async () => Promise.resolve(id).then(renew),
        end: async () => Promise.resolve(id).then(end),
      });
    },
    isAlive,
    close() {
      for (const { cancelTimer } of running.values()) cancelTimer();
    },
  };
}
