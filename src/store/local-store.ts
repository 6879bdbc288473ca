import { BatonError } from '../lib/baton-error.ts';
import type { Backend, Commit } from './backend.ts';
import { createLeaseBook } from './lease-book.ts';
import type { Guard, Store, StoreClock, Swap, SwapResult, Version, WatchMessage } from './store.ts';

/** The store of one process: the rules of the contract over a backend that only reads and writes. */
export function createLocalStore(backend: Backend, clock: StoreClock): Store {
  let closed = false;
  let watchers: (() => void)[] = [];

  function wakeWatchers(): void {
    const waiting = watchers;
    watchers = [];
    for (const wake of waiting) wake();
  }

  function commit(part: Omit<Commit, 'version'>): { version: Version; noteIds: readonly number[] } {
    const version = backend.version() + 1;
    const noteIds = backend.commit({ ...part, version });
    if (part.changes.length > 0) wakeWatchers();
    return { version, noteIds };
  }

  const leaseBook = createLeaseBook(backend, clock, commit);

  function firstBroken(swap: Swap): SwapResult | undefined {
    const leases = swap.changes.flatMap(({ lease }) => (lease ? [lease] : []));
    const versions: { key: string; expected: Version | null }[] = [...swap.changes];
    for (const guard of swap.guards ?? []) collect(guard, versions, leases);
    if (leases.some(({ id }) => !leaseBook.isAlive(id))) return { kind: 'lease_lost' };
    for (const { key, expected } of versions) {
      const current = backend.read(key);
      if ((current?.version ?? null) !== expected) return { kind: 'conflict', key, current };
    }
    return undefined;
  }

  /** Turns a synchronous body into a promise that rejects instead of throwing, and refuses a closed store. */
  async function answer<T>(body: () => T): Promise<T> {
    await Promise.resolve();
    if (closed) throw new BatonError('BATON_STORE_UNAVAILABLE', 'the store is closed');
    return body();
  }

  async function* watch(prefix: string, from: Version, signal: AbortSignal): AsyncGenerator<WatchMessage> {
    let seen = from;
    while (!signal.aborted && !closed) {
      const commits = backend.commitsAfter(seen);
      // A version from the future comes from before a backup was restored: nothing about it is known here.
      if (commits === undefined || seen > backend.version()) {
        yield { kind: 'start_again' };
        return;
      }
      for (const { version, changes } of commits) {
        seen = version;
        const touched = changes.filter(({ key }) => key.startsWith(prefix));
        if (touched.length > 0) yield { kind: 'swapped', version, changes: touched };
        if (signal.aborted || closed) return;
      }
      if (backend.version() === seen) await nextCommit(signal);
    }
  }

  function nextCommit(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        watchers = watchers.filter((each) => each !== wake);
        resolve();
      };
      if (signal.aborted || closed) return resolve();
      watchers.push(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  return {
    incarnation: backend.incarnation,
    get: (key) => answer(() => backend.read(key)),
    list: (prefix) => answer(() => ({ version: backend.version(), entries: backend.list(prefix) })),
    swap: (swap) =>
      answer(() => {
        const broken = firstBroken(swap);
        if (broken !== undefined) return broken;
        const changes = swap.changes.map(({ key, value, lease }) => ({
          key,
          value,
          lease: lease?.id ?? null,
        }));
        return { kind: 'written', ...commit({ changes, notes: swap.notes ?? [] }) };
      }),
    lease: (ttlMs) => {
      // Before the request: the lease may begin at any moment after this one, never earlier.
      const askedAtMs = clock.now();
      return answer(() => leaseBook.grant(ttlMs, askedAtMs));
    },
    watch,
    readNotes: (query) => answer(() => backend.readNotes(query)),
    trimNotes: (limits) => answer(() => backend.trimNotes(limits)),
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      if (closed) return;
      closed = true;
      leaseBook.close();
      wakeWatchers();
      backend.close();
    },
  };
}

function collect(
  guard: Guard,
  versions: { key: string; expected: Version | null }[],
  leases: { readonly id: number }[],
): void {
  switch (guard.kind) {
    case 'version':
      versions.push(guard);
      return;
    case 'lease':
      leases.push(guard.lease);
      return;
  }
}
