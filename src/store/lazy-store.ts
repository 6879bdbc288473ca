import { BatonError } from '../lib/baton-error.ts';
import { StoreReplaced } from './store-replaced.ts';
import type { Deadline, Store, Version, WatchMessage } from './store.ts';

/** To find out who the store is, before what it is asked for, ms. */
const OPEN = { timeoutMs: 5_000 };

/**
 * A store that may be away when it is opened: a keeper has to start without it
 * too. It is opened by the first call that needs it, and again by the next one
 * as long as that fails; the failure is that of the call. Where it was
 * replaced by another one ({@link StoreReplaced}), the call that finds out
 * fails, and the next one opens that.
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

  async function ask<T>(call: Deadline, question: (asked: Store) => Promise<T>): Promise<T> {
    const asked = await store(call);
    try {
      return await question(asked);
    } catch (error) {
      if (error instanceof StoreReplaced && opened === asked) {
        opened = undefined;
        await asked[Symbol.asyncDispose]();
      }
      throw error;
    }
  }

  return {
    /** Empty as long as the store was never reached. */
    get incarnation() {
      return opened?.incarnation ?? '';
    },
    get: (key, call) => ask(call, (asked) => asked.get(key, call)),
    list: (prefix, call) => ask(call, (asked) => asked.list(prefix, call)),
    swap: (swap, call) => ask(call, (asked) => asked.swap(swap, call)),
    lease: (ttlMs, call) => ask(call, (asked) => asked.lease(ttlMs, call)),
    async *watch(prefix: string, from: Version, signal: AbortSignal): AsyncGenerator<WatchMessage> {
      yield* (await store(OPEN)).watch(prefix, from, signal);
    },
    readNotes: (query, call) => ask(call, (asked) => asked.readNotes(query, call)),
    trimNotes: (limits, call) => ask(call, (asked) => asked.trimNotes(limits, call)),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await opened?.[Symbol.asyncDispose]();
    },
  };
}
