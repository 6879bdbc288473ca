import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { Change, Store, WatchMessage } from '../../src/store/store.ts';

/** One home of the store, ready for a test that cleans up after itself. */
export interface StoreUnderTest {
  readonly store: Store;
  /** The holder's clock. */
  now(): number;
  /** Lets time pass: real time, for a home that keeps its own. */
  elapse(ms: number): Promise<void>;
  /** The time of a lease in these tests. */
  readonly leaseMs: number;
  /** How much later than its time this home may end a lease. */
  readonly leaseEndsLateMs: number;
  /** Makes the home forget the history of what was swapped until now. */
  forget(): Promise<void>;
  /** Closes the store and opens its data again; undefined for a home that forgets. */
  readonly reopen: (() => Promise<StoreUnderTest>) | undefined;
}

export type OpenStore = (context: TestContext) => Promise<StoreUnderTest>;

const CALL = { timeoutMs: 5_000 };

/** What every home of the store must do. A new home is only code that passes this. */
export function storeContract(home: string, open: OpenStore): void {
  suite(`${home}: swap`, () => {
    test('a key that was never written is absent', async (context) => {
      const { store } = await open(context);
      assert.equal(await store.get('a', CALL), undefined);
    });

    test('what was swapped in is read back with the version that was answered', async (context) => {
      const { store } = await open(context);
      const version = await put(store, 'a', 'one', null);
      assert.deepEqual(await store.get('a', CALL), { value: 'one', version });
    });

    test('a swap on another version than the present one is a conflict and changes nothing', async (context) => {
      const { store } = await open(context);
      const first = await put(store, 'a', 'one', null);
      const second = await put(store, 'a', 'two', first);
      const result = await store.swap({ changes: [{ key: 'a', expected: first, value: 'three' }] }, CALL);
      assert.deepEqual(result, { kind: 'conflict', key: 'a', current: { value: 'two', version: second } });
      const absent = await store.swap({ changes: [{ key: 'a', expected: null, value: 'x' }] }, CALL);
      assert.equal(absent.kind, 'conflict');
      assert.equal((await store.get('a', CALL))?.value, 'two');
    });

    test('changes of one swap are written all or not at all', async (context) => {
      const { store } = await open(context);
      const a = await put(store, 'a', 'one', null);
      const changes: Change[] = [
        { key: 'b', expected: null, value: 'new' },
        { key: 'a', expected: a + 1_000, value: 'two' },
      ];
      assert.equal((await store.swap({ changes, notes: [note('t', 'x')] }, CALL)).kind, 'conflict');
      assert.equal(await store.get('b', CALL), undefined);
      assert.deepEqual(await store.readNotes({ limit: 10 }, CALL), []);
    });

    test('a guard on another key stops the swap when that key has moved', async (context) => {
      const { store } = await open(context);
      const a = await put(store, 'a', 'one', null);
      const guarded = {
        changes: [{ key: 'b', expected: null, value: 'x' }],
        guards: [{ kind: 'version', key: 'a', expected: a } as const],
      };
      await put(store, 'a', 'two', a);
      assert.equal((await store.swap(guarded, CALL)).kind, 'conflict');
      assert.equal(await store.get('b', CALL), undefined);
    });

    test('a key deleted and made again has a version that it never had', async (context) => {
      const { store } = await open(context);
      const first = await put(store, 'a', 'one', null);
      await store.swap({ changes: [{ key: 'a', expected: first, value: null }] }, CALL);
      assert.equal(await store.get('a', CALL), undefined);
      assert.ok((await put(store, 'a', 'one', null)) > first);
    });

    test('of many swaps at once on the same version exactly one is written', async (context) => {
      const { store } = await open(context);
      const version = await put(store, 'a', 'start', null);
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          store.swap({ changes: [{ key: 'a', expected: version, value: `${index}` }] }, CALL),
        ),
      );
      assert.equal(results.filter(({ kind }) => kind === 'written').length, 1);
    });

    test('counters that retry on conflict lose no increment', async (context) => {
      const { store } = await open(context);
      await put(store, 'n', '0', null);
      await Promise.all(Array.from({ length: 5 }, () => increment(store, 'n', 20)));
      assert.equal((await store.get('n', CALL))?.value, '100');
    });

    test('a listing holds the keys of a prefix in order, and nothing else', async (context) => {
      const { store } = await open(context);
      let last = 0;
      for (const key of ['f/b', 'f/a', 'g/a', 'f%', 'fa']) last = await put(store, key, key, null);
      const { entries, version } = await store.list('f/', CALL);
      assert.deepEqual(
        entries.map(({ key }) => key),
        ['f/a', 'f/b'],
      );
      assert.ok(version >= last);
    });

    test('a closed store refuses', async (context) => {
      const { store } = await open(context);
      await store[Symbol.asyncDispose]();
      await assert.rejects(store.get('a', CALL), { code: 'BATON_STORE_UNAVAILABLE' });
    });
  });

  suite(`${home}: notes`, () => {
    test('notes come with their swap, in order, by topic and after an id', async (context) => {
      const { store } = await open(context);
      const changes = [{ key: 'a', expected: null, value: 'x' }];
      const result = await store.swap({ changes, notes: [note('f/0', '1'), note('f/1', '2')] }, CALL);
      assert.ok(result.kind === 'written');
      await store.swap({ changes: [], notes: [note('f/0', '3'), note('f_/0', '4')] }, CALL);
      const texts = async (query: { topic?: string; after?: number; before?: number; limit: number }) =>
        (await store.readNotes(query, CALL)).map(({ text }) => text);
      assert.deepEqual(await texts({ limit: 10 }), ['1', '2', '3', '4']);
      assert.deepEqual(await texts({ limit: 2 }), ['3', '4']);
      assert.deepEqual(await texts({ topic: 'f/0', limit: 10 }), ['1', '3']);
      assert.deepEqual(await texts({ topic: 'f', limit: 10 }), ['1', '2', '3']);
      assert.deepEqual(await texts({ topic: 'f', after: result.noteIds[0] ?? 0, limit: 10 }), ['2', '3']);
      assert.deepEqual(await texts({ topic: 'f', before: result.noteIds[1] ?? 0, limit: 10 }), ['1']);
      assert.deepEqual(await texts({ before: (result.noteIds[1] ?? 0) + 1, limit: 1 }), ['2']);
    });

    test('the details of a note are read only when they are asked for', async (context) => {
      const { store } = await open(context);
      const notes = [{ ...note('f/0', '1'), details: 'much' }, note('f/0', '2')];
      await store.swap({ changes: [], notes }, CALL);
      for (const topic of ['f', undefined]) {
        const plain = await store.readNotes({ topic, limit: 10 }, CALL);
        assert.ok(plain.every((each) => !('details' in each)));
        const detailed = await store.readNotes({ topic, limit: 10, details: true }, CALL);
        assert.deepEqual(
          detailed.map(({ details }) => details),
          ['much', undefined],
        );
      }
    });

    test('retention deletes what is too old and what is too much', async (context) => {
      const { store } = await open(context);
      const notes = [1, 2, 3, 4, 5].map((atMs) => ({ ...note('t', `${atMs}`), atMs }));
      await store.swap({ changes: [], notes }, CALL);
      assert.equal(await store.trimNotes({ olderThanMs: 2, keep: 3 }, CALL), 2);
      const kept = await store.readNotes({ limit: 10 }, CALL);
      assert.deepEqual(
        kept.map(({ text }) => text),
        ['3', '4', '5'],
      );
      assert.equal(await store.trimNotes({ olderThanMs: 0, keep: 3 }, CALL), 0);
    });
  });

  leaseContract(home, open);
  watchContract(home, open);
  durabilityContract(home, open);
}

function leaseContract(home: string, open: OpenStore): void {
  suite(`${home}: leases`, () => {
    test('a lease that is renewed lives on; one that is not ends with its keys', async (context) => {
      const home = await open(context);
      const { store, leaseMs } = home;
      const lease = await store.lease(leaseMs, CALL);
      await store.swap({ changes: [{ key: 'mine', expected: null, value: 'x', lease }] }, CALL);
      await home.elapse(leaseMs * 0.6);
      await lease.renew(CALL);
      await home.elapse(leaseMs * 0.6);
      assert.equal((await store.get('mine', CALL))?.value, 'x');
      await home.elapse(leaseMs * 0.4);
      await untilAbsent(home, 'mine');
    });

    test('the holder loses its lease no later than the store ends it, and is told once', async (context) => {
      const home = await open(context);
      const { store, leaseMs } = home;
      const lease = await store.lease(leaseMs, CALL);
      let lost = 0;
      lease.onLost(() => lost++);
      assert.ok(lease.heldUntilMs() <= home.now() + leaseMs);
      await home.elapse(leaseMs * 0.5);
      assert.equal(lost, 0);
      await home.elapse(leaseMs);
      assert.equal(lost, 1);
      await assert.rejects(lease.renew(CALL), { code: 'BATON_REFUSED' });
      lease.onLost(() => lost++);
      assert.equal(lost, 2);
    });

    test('a swap guarded by a lease is written while it is held and refused after', async (context) => {
      const home = await open(context);
      const { store, leaseMs } = home;
      const lease = await store.lease(leaseMs, CALL);
      const guards = [{ kind: 'lease', lease } as const];
      const first = await store.swap({ changes: [{ key: 'a', expected: null, value: '1' }], guards }, CALL);
      assert.equal(first.kind, 'written');
      await home.elapse(leaseMs + 1);
      const second = await store.swap({ changes: [{ key: 'b', expected: null, value: '1' }], guards }, CALL);
      assert.deepEqual(second, { kind: 'lease_lost' });
      assert.equal(await store.get('b', CALL), undefined);
    });

    test('a released lease ends at once, without a word to its holder', async (context) => {
      const { store, leaseMs, elapse } = await open(context);
      const lease = await store.lease(leaseMs, CALL);
      let lost = 0;
      lease.onLost(() => lost++);
      await store.swap({ changes: [{ key: 'mine', expected: null, value: 'x', lease }] }, CALL);
      await lease.release(CALL);
      assert.equal(await store.get('mine', CALL), undefined);
      await lease.release(CALL);
      const guards = [{ kind: 'lease', lease } as const];
      assert.deepEqual(await store.swap({ changes: [], guards }, CALL), { kind: 'lease_lost' });
      await elapse(leaseMs * 1.1);
      assert.equal(lost, 0);
    });
  });
}

function watchContract(home: string, open: OpenStore): void {
  suite(`${home}: watch`, () => {
    test('a watch tells every swap of its prefix after a version, in order, each once', async (context) => {
      const { store } = await open(context);
      await put(store, 'f/a', '1', null);
      const { version } = await store.list('f/', CALL);
      const watched = collect(store, 'f/', version, 3);
      const b = await put(store, 'f/b', '1', null);
      await put(store, 'g/x', '1', null);
      const changes = [
        { key: 'f/b', expected: b, value: '2' },
        { key: 'f/c', expected: null, value: '1' },
      ];
      const both = await store.swap({ changes }, CALL);
      assert.ok(both.kind === 'written');
      const gone = await store.swap({ changes: [{ key: 'f/b', expected: both.version, value: null }] }, CALL);
      assert.ok(gone.kind === 'written');
      assert.deepEqual(await watched, [
        { kind: 'swapped', version: b, changes: [{ key: 'f/b', value: '1' }] },
        {
          kind: 'swapped',
          version: both.version,
          changes: [
            { key: 'f/b', value: '2' },
            { key: 'f/c', value: '1' },
          ],
        },
        { kind: 'swapped', version: gone.version, changes: [{ key: 'f/b', value: null }] },
      ]);
    });

    test('the end of a lease is told to the watchers of its keys', async (context) => {
      const { store, leaseMs, elapse } = await open(context);
      const lease = await store.lease(leaseMs, CALL);
      await store.swap({ changes: [{ key: 'mine', expected: null, value: 'x', lease }] }, CALL);
      const { version } = await store.list('', CALL);
      const watched = collect(store, 'mine', version, 1);
      await elapse(leaseMs);
      const [message] = await watched;
      assert.ok(message?.kind === 'swapped');
      assert.deepEqual(message.changes, [{ key: 'mine', value: null }]);
    });

    test('a watch from a forgotten version, or from one that never was, starts again', async (context) => {
      const { store, forget } = await open(context);
      const first = await put(store, 'a', '0', null);
      const second = await put(store, 'a', '1', first);
      await forget();
      const { version } = await store.list('', CALL);
      assert.deepEqual(await collect(store, 'a', first - 1, 1), [{ kind: 'start_again' }]);
      assert.deepEqual(await collect(store, 'a', version + 5_000, 1), [{ kind: 'start_again' }]);
      const third = await put(store, 'a', '2', second);
      const changes = [{ key: 'a', value: '2' }];
      assert.deepEqual(await collect(store, 'a', version, 1), [{ kind: 'swapped', version: third, changes }]);
    });

    test('a watch ends when its signal aborts, and when the store closes', async (context) => {
      const { store } = await open(context);
      const abort = new AbortController();
      const ended = drain(store.watch('', 0, abort.signal));
      abort.abort();
      await ended;
      const closed = drain(store.watch('', 0, new AbortController().signal));
      await store[Symbol.asyncDispose]();
      await closed;
    });
  });
}

function durabilityContract(home: string, open: OpenStore): void {
  suite(`${home}: durability`, () => {
    test('everything is there after a restart: values, versions, notes, the incarnation', async (context) => {
      const before = await open(context);
      if (before.reopen === undefined) return context.skip('this home forgets');
      const version = await put(before.store, 'a', 'one', null, [note('t', 'x')]);
      const after = await before.reopen();
      assert.equal(after.store.incarnation, before.store.incarnation);
      assert.deepEqual(await after.store.get('a', CALL), { value: 'one', version });
      assert.equal((await after.store.readNotes({ limit: 1 }, CALL))[0]?.text, 'x');
      const next = await put(after.store, 'a', 'two', version);
      assert.ok(next > version);
      assert.equal((await collect(after.store, '', version - 1, 2)).length, 2);
    });

    test('a lease of before a restart holds its keys for its whole time, and then ends', async (context) => {
      const before = await open(context);
      if (before.reopen === undefined) return context.skip('this home forgets');
      const lease = await before.store.lease(before.leaseMs, CALL);
      await before.store.swap({ changes: [{ key: 'mine', expected: null, value: 'x', lease }] }, CALL);
      await before.elapse(before.leaseMs * 0.6);
      const after = await before.reopen();
      const { store } = after;
      assert.equal((await store.get('mine', CALL))?.value, 'x');
      await after.elapse(after.leaseMs);
      await untilAbsent(after, 'mine');
      const other = await store.lease(after.leaseMs, CALL);
      assert.notEqual(other.id, lease.id);
    });
  });
}

function note(topic: string, text: string) {
  return { topic, text, atMs: 10 };
}

async function put(
  store: Store,
  key: string,
  value: string,
  expected: number | null,
  notes: ReturnType<typeof note>[] = [],
): Promise<number> {
  const result = await store.swap({ changes: [{ key, expected, value }], notes }, CALL);
  assert.ok(result.kind === 'written', `the swap of "${key}" gave ${result.kind}`);
  return result.version;
}

async function increment(store: Store, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const current = await store.get(key, CALL);
    assert.ok(current);
    const value = String(Number(current.value) + 1);
    const result = await store.swap({ changes: [{ key, expected: current.version, value }] }, CALL);
    if (result.kind === 'written') done++;
  }
}

async function collect(store: Store, prefix: string, from: number, count: number): Promise<WatchMessage[]> {
  const messages: WatchMessage[] = [];
  for await (const message of store.watch(prefix, from, AbortSignal.timeout(5_000))) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

/** The end of a lease takes its keys with it, at once or as late as the home says. */
async function untilAbsent({ store, elapse, leaseEndsLateMs }: StoreUnderTest, key: string): Promise<void> {
  const stepMs = 100;
  for (let lateMs = 0; (await store.get(key, CALL)) !== undefined; lateMs += stepMs) {
    assert.ok(lateMs <= leaseEndsLateMs, `"${key}" is still there after the end of its lease`);
    await elapse(stepMs);
  }
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}
