import { BatonError } from '../lib/baton-error.ts';
import type { Deadline, Store, Version, WatchMessage } from './store.ts';

/** To find out who the store is, before what it is asked for, ms. */
const OPEN = { timeoutMs: 5_000 };

/**
 * A store that may be away when it is opened: a keeper has to start without it
 * too. It is opened by the first call that needs it, and again by the next one
 * as long as that fails; the failure is that of the call.
 */
export function openLazily(open: (call: Deadline) => Promise<Store>): Store {
  let opening: Promise<Store> | undefined;
  let opened: Store | undefined;
  let isClosed = false;

  async function begin(call: Deadline): Promise<Store> {
    try {
      opened = await open(call);
    } finally {
      opening = undefined;
    }
    if (isClosed) await opened[Symbol.asyncDispose]();
    return opened;
  }

  async function store(call: Deadline): Promise<Store> {
    if (isClosed) throw new BatonError('BATON_STORE_UNAVAILABLE', 'the store is closed');
    if (opened !== undefined) return opened;
    opening ??= begin(call);
    return opening;
  }

  return {
    /** Empty as long as the store was never reached. */
    get incarnation() {
      return opened?.incarnation ?? '';
    },
    get: async (key, call) => (await store(call)).get(key, call),
    list: async (prefix, call) => (await store(call)).list(prefix, call),
    swap: async (swap, call) => (await store(call)).swap(swap, call),
    lease: async (ttlMs, call) => (await store(call)).lease(ttlMs, call),
    async *watch(prefix: string, from: Version, signal: AbortSignal): AsyncGenerator<WatchMessage> {
      yield* (await store(OPEN)).watch(prefix, from, signal);
    },
    readNotes: async (query, call) => (await store(call)).readNotes(query, call),
    trimNotes: async (limits, call) => (await store(call)).trimNotes(limits, call),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await opened?.[Symbol.asyncDispose]();
    },
  };
}
