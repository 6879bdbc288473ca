/** The store over a real etcd of three members that are killed, stopped, cut off, compacted and restored. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEtcdStore } from '../../src/store/etcd/etcd-store.ts';
import type { Store, SwapResult, WatchMessage } from '../../src/store/store.ts';
import { ETCD_MISSING, startEtcdCluster, type EtcdCluster } from '../support/etcd-cluster.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { eventually } from '../support/test-monitor.ts';

const CALL = { timeoutMs: 9_000 };
type Endpoint = { readonly host: string; readonly port: number };

suite('etcd under faults', { skip: ETCD_MISSING }, () => {
  let etcd: EtcdCluster;
  let stores = 0;
  before(async () => {
    etcd = await startEtcdCluster();
  });
  beforeEach(() => etcd.ready());
  after(() => etcd.remove());

  async function open(context: TestContext, endpoints: readonly Endpoint[], prefix = `faults/${++stores}`) {
    const store = await createEtcdStore({ endpoints, prefix }, CALL);
    context.after(() => store[Symbol.asyncDispose]());
    return { store, prefix };
  }

  /** A proxy before the first member, which does all the work until it fails. */
  async function openBehindProxy(context: TestContext) {
    const [first, ...others] = etcd.members;
    assert.ok(first);
    const proxy = await startTcpProxy(first);
    context.after(() => proxy.close());
    const { store, prefix } = await open(context, [proxy, ...others]);
    const other = (await open(context, etcd.members, prefix)).store;
    return { proxy, store, other };
  }

  suite('a reply that is lost', () => {
    test('a swap that was written is told as written, with its own version', async (context) => {
      const { proxy, store, other } = await openBehindProxy(context);
      const result = await losingReplies(proxy, () => put(store, 'a', 'one', null));
      assert.ok(result.kind === 'written');
      assert.deepEqual(await other.get('a', CALL), { value: 'one', version: result.version });
    });

    test('it is so, too, when somebody else has written over it before it was asked again', async (context) => {
      const { proxy, store, other } = await openBehindProxy(context);
      const first = await versionOf(put(store, 'a', 'one', null));
      const swapping = losingReplies(proxy, () => put(store, 'a', 'two', first));
      const seen = await eventually('the swap', async () => {
        const current = await other.get('a', CALL);
        return current?.value === 'two' ? current : undefined;
      });
      await versionOf(put(other, 'a', 'three', seen.version));
      assert.deepEqual(await swapping, { kind: 'written', version: seen.version, noteIds: [] });
      assert.equal((await store.get('a', CALL))?.value, 'three');
    });

    test('a swap that came too late is told as a conflict, though another wrote the same value', async (context) => {
      const { proxy, store, other } = await openBehindProxy(context);
      const first = await versionOf(put(store, 'a', 'one', null));
      const second = await versionOf(put(other, 'a', 'two', first));
      const result = await losingReplies(proxy, () => put(store, 'a', 'two', first));
      assert.deepEqual(result, { kind: 'conflict', key: 'a', current: { value: 'two', version: second } });
    });

    test('its notes are written once', async (context) => {
      const { proxy, store, other } = await openBehindProxy(context);
      const notes = [{ topic: 't', text: 'x', atMs: 1 }];
      const result = await losingReplies(proxy, () => store.swap({ changes: [], notes }, CALL));
      assert.ok(result.kind === 'written');
      const read = await other.readNotes({ limit: 10 }, CALL);
      assert.deepEqual(
        read.map(({ id }) => id),
        result.noteIds,
      );
    });

    test('a deletion that nobody can tell from another is not told as done, nor as a conflict', async (context) => {
      const { proxy, store } = await openBehindProxy(context);
      const first = await versionOf(put(store, 'a', 'one', null));
      await assert.rejects(
        losingReplies(proxy, () =>
          store.swap({ changes: [{ key: 'a', expected: first, value: null }] }, CALL),
        ),
        { code: 'BATON_STORE_UNAVAILABLE' },
      );
      assert.equal(await store.get('a', CALL), undefined);
    });
  });

  suite('members that fail', () => {
    test('while the leader is killed again and again, no answer is wrong', async (context) => {
      const { store } = await open(context, etcd.members);
      await put(store, 'log', '', null);
      const ending = new AbortController();
      context.after(() => ending.abort());
      const writers = [1, 2, 3].map((writer) => appendForEver(store, writer, ending.signal));
      for (let round = 0; round < 2; round++) {
        await sleep(1_000);
        const leader = await etcd.leader();
        await leader.kill();
        await sleep(2_000);
        leader.start();
        await etcd.ready();
      }
      ending.abort();
      const outcomes = (await Promise.all(writers)).flat();
      const log = ((await store.get('log', CALL))?.value ?? '').split(',').filter(Boolean);
      assert.equal(new Set(log).size, log.length, 'something was written twice');
      for (const { id, kind } of outcomes) {
        if (kind === 'written') assert.ok(log.includes(id), `${id} was told as written, and is lost`);
        if (kind === 'conflict') assert.ok(!log.includes(id), `${id} was told as a conflict, and is there`);
      }
      const written = outcomes.filter(({ kind }) => kind === 'written').length;
      assert.ok(written > 20, `only ${written} were written`);
    });

    test('a watch goes on without a gap and without a repetition when its member dies', async (context) => {
      const { store } = await open(context, etcd.members);
      const { version } = await store.list('', CALL);
      const watched = collect(store, '', version, 30);
      const versions: number[] = [];
      let expected: number | null = null;
      for (let count = 0; count < 30; count++) {
        if (count === 10) await etcd.members[0]?.kill();
        if (count === 20) etcd.members[0]?.start();
        expected = await versionOf(put(store, 'a', `${count}`, expected));
        versions.push(expected);
      }
      const seen = (await watched).map((each) => each.kind === 'swapped' && each.version);
      assert.deepEqual(seen, versions);
    });

    test('a member that hangs costs a part of the deadline only', async (context) => {
      const { store } = await open(context, etcd.members);
      const { version } = await store.list('', CALL);
      const watched = collect(store, '', version, 1);
      const [member] = etcd.members;
      assert.ok(member);
      member.pause();
      context.after(() => member.resume());
      await versionOf(put(store, 'a', 'x', null));
      assert.equal((await watched).length, 1);
      member.resume();
    });

    test('without a majority every call ends in time, the holder loses its lease, and all goes on later', async (context) => {
      const { store } = await open(context, etcd.members);
      const lease = await store.lease(2_000, CALL);
      const lost = new Promise<void>((resolve) => lease.onLost(resolve));
      const down = etcd.members.slice(1);
      for (const member of down) await member.kill();
      const begin = performance.now();
      for (const call of [
        () => store.get('a', { timeoutMs: 1_000 }),
        () => lease.renew({ timeoutMs: 1_000 }),
        () => store.swap({ changes: [] }, { timeoutMs: 1_000 }),
      ]) {
        await assert.rejects(call(), { code: 'BATON_STORE_UNAVAILABLE' });
      }
      assert.ok(performance.now() - begin < 10_000);
      await lost;
      for (const member of down) member.start();
      await versionOf(put(store, 'a', 'x', null));
      await assert.rejects(lease.renew(CALL), { code: 'BATON_REFUSED' });
    });

    test('a holder that cannot renew gives up in its own time, though a new leader of etcd begins its lease anew', async (context) => {
      const { store } = await open(context, etcd.members);
      const lease = await store.lease(4_000, CALL);
      await store.swap({ changes: [{ key: 'mine', expected: null, value: 'x', lease }] }, CALL);
      const heldUntilMs = lease.heldUntilMs();
      let lostAtMs = Infinity;
      lease.onLost(() => (lostAtMs = performance.now()));
      await sleep(2_000);
      const leader = await etcd.leader();
      await leader.kill();
      await sleep(heldUntilMs + 100 - performance.now());
      assert.ok(lostAtMs >= heldUntilMs - 1 && lostAtMs < Infinity);
      // etcd still has it: only the holder's own clock says when to stop.
      assert.equal((await store.get('mine', CALL))?.value, 'x');
      leader.start();
      await eventually('the end of the lease', async () => (await store.get('mine', CALL)) === undefined);
    });
  });

  suite('history that is gone', () => {
    test('a watch that was cut off, and finds its place compacted away, starts again', async (context) => {
      const { proxy, store, other } = await openBehindProxy(context);
      const first = await versionOf(put(store, 'a', '1', null));
      const watched = collect(store, '', first - 1, 10);
      await eventually('the watch', () => true);
      proxy.loseReplies(true);
      const second = await versionOf(put(other, 'a', '2', first));
      const third = await versionOf(put(other, 'a', '3', second));
      await etcd.ctl('compaction', String(third));
      const messages = await watched;
      assert.equal(messages.at(-1)?.kind, 'start_again');
    });
  });
});

suite('etcd that is put back to an old copy', { skip: ETCD_MISSING }, () => {
  test('what was seen later is not forgotten: the store refuses, a watch starts again', async (context) => {
    const etcd = await startEtcdCluster({ size: 1 });
    context.after(() => etcd.remove());
    const [member] = etcd.members;
    assert.ok(member);
    const options = { endpoints: etcd.members, prefix: 'old' };
    const store = await createEtcdStore(options, CALL);
    context.after(() => store[Symbol.asyncDispose]());
    const first = await versionOf(put(store, 'a', '1', null));
    const file = `${member.dataDirectory}.snapshot`;
    await etcd.ctl('snapshot', 'save', file);
    const second = await versionOf(put(store, 'a', '2', first));
    const watched = collect(store, '', second, 1);
    await member.restore(file);
    await assert.rejects(store.get('a', { timeoutMs: 3_000 }), {
      code: 'BATON_STORE_UNAVAILABLE',
      detail: /another etcd cluster|old backup/,
    });
    assert.deepEqual(await watched, [{ kind: 'start_again' }]);
    const again = await createEtcdStore(options, CALL);
    context.after(() => again[Symbol.asyncDispose]());
    assert.notEqual(again.incarnation, store.incarnation);
  });
});

/** Runs a call whose replies from the first member do not arrive, although the requests do. */
async function losingReplies<T>(proxy: TcpProxy, call: () => Promise<T>): Promise<T> {
  proxy.loseReplies(true);
  try {
    return await call();
  } finally {
    proxy.loseReplies(false);
    proxy.reset();
  }
}

function put(store: Store, key: string, value: string, expected: number | null): Promise<SwapResult> {
  return store.swap({ changes: [{ key, expected, value }] }, CALL);
}

async function versionOf(result: Promise<SwapResult>): Promise<number> {
  const answer = await result;
  assert.ok(answer.kind === 'written', `the swap gave ${answer.kind}`);
  return answer.version;
}

interface Outcome {
  readonly id: string;
  readonly kind: SwapResult['kind'] | 'unknown';
}

/** Adds ids of its own to the end of one value, and tells what it was told about each attempt. */
async function appendForEver(store: Store, writer: number, signal: AbortSignal): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const call = { timeoutMs: 3_000 };
  for (let count = 0; !signal.aborted; count++) {
    const id = `${writer}.${count}`;
    try {
      const current = await store.get('log', call);
      assert.ok(current);
      const value = `${current.value}${id},`;
      outcomes.push({ id, kind: (await store.swap(change(current.version, value), call)).kind });
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'BATON_STORE_UNAVAILABLE', String(error));
      outcomes.push({ id, kind: 'unknown' });
    }
    await sleep(10);
  }
  return outcomes;
}

function change(expected: number, value: string) {
  return { changes: [{ key: 'log', expected, value }] };
}

async function collect(store: Store, prefix: string, from: number, count: number): Promise<WatchMessage[]> {
  const messages: WatchMessage[] = [];
  for await (const message of store.watch(prefix, from, AbortSignal.timeout(60_000))) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}
