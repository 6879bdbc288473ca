import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { WatchEvent } from '../api/group-watch.ts';
import { DEFAULT_SETTINGS, emptyRecord } from '../core/group-record.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Store } from '../store/store.ts';
import { plainEvent, toEvent, toNote } from './group-events.ts';
import { createHistoryReader } from './history-reader.ts';
import { withHistory } from './with-history.ts';

const RECORD = emptyRecord('default', 0, DEFAULT_SETTINGS);
const ADDRESS = { formation: 'default', group: 0 };
const CONNECTED: WatchEvent = { kind: 'connected' };

function openStore(context: TestContext): Store {
  const store = createMemoryStore({ clock: { now: () => performance.now(), after: () => () => undefined } });
  context.after(() => store[Symbol.asyncDispose]());
  return store;
}

/** As any keeper or command does it. */
async function write(store: Store, text: string): Promise<void> {
  const notes = [toNote(plainEvent('operator', RECORD, text), 1, 0)];
  await store.swap({ changes: [], notes }, { timeoutMs: 1_000 });
}

/** A keeper that says that it is there, and what else it is told to. */
async function* keeper(signal: AbortSignal, ...messages: WatchEvent[]): AsyncGenerator<WatchEvent> {
  yield CONNECTED;
  yield* messages;
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

test('events are told whoever has written them, each once, and none from before', async (context) => {
  const store = openStore(context);
  await write(store, 'before');
  const told: string[] = [];
  const own = toEvent({ id: 2, ...toNote(plainEvent('operator', RECORD, 'first'), 1, 0) });
  const heard = (signal: AbortSignal) => keeper(signal, { kind: 'event', event: own });
  const read = createHistoryReader(store, ADDRESS);
  for await (const message of withHistory(heard, read, context.signal)) {
    if (message.kind === 'connected') {
      await write(store, 'first');
      await write(store, 'second');
    }
    if (message.kind === 'event') told.push(message.event.because);
    if (told.length === 2) break;
  }
  assert.deepEqual(told, ['first', 'second']);
});

test('a store that is away holds up nothing that the keeper tells, and its history is told later', async (context) => {
  const store = openStore(context);
  let isAway = false;
  const readNotes: Store['readNotes'] = (query, call) =>
    isAway ? Promise.reject(new Error('away')) : store.readNotes(query, call);
  const read = createHistoryReader({ readNotes }, ADDRESS);
  await read();
  isAway = true;
  const kinds: string[] = [];
  for await (const message of withHistory(keeper, read, context.signal)) {
    kinds.push(message.kind);
    if (message.kind === 'event') break;
    await write(store, 'meanwhile');
    isAway = false;
  }
  assert.deepEqual(kinds, ['connected', 'event']);
});

test('who stops listening ends the connection to the keeper', async (context) => {
  const store = openStore(context);
  const ended = Promise.withResolvers<void>();
  async function* broken(signal: AbortSignal): AsyncGenerator<WatchEvent> {
    yield CONNECTED;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    ended.resolve();
    throw new Error('the connection was closed');
  }
  for await (const _message of withHistory(broken, createHistoryReader(store, ADDRESS), context.signal))
    break;
  await ended.promise;
});

test('a connection that breaks while the history is read is told afterwards', async (context) => {
  const reading = Promise.withResolvers<readonly never[]>();
  const next = (): Promise<never> => Promise.reject(new Error('the connection broke'));
  const broken = () => ({ [Symbol.asyncIterator]: () => ({ next }) });
  const watching = withHistory(broken, () => reading.promise, context.signal).next();
  setTimeout(() => reading.resolve([]), 20);
  await assert.rejects(watching, /the connection broke/);
});
