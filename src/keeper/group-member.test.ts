import assert from 'node:assert/strict';
import { createServer as createProbe } from 'node:net';
import { test, type TestContext } from 'node:test';
import { aReport } from '../../test/support/a-report.ts';
import { useToken } from '../deciding/derived-secrets.ts';
import { createStoreClient } from '../deciding/store-client.ts';
import { createMonitorClient } from '../api/client.ts';
import { BatonError } from '../lib/baton-error.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Store } from '../store/store.ts';
import { SYSTEM_CLOCK } from '../store/system-clock.ts';
import { sleep } from '../system/clock.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { openGroupMember } from './group-member.ts';
import type { JournalEntry } from './journal.ts';

const TOKEN = useToken('t'.repeat(43));
const GROUP = { formation: 'default', group: 0 };
const EMPTY = { record: null, recordVersion: 0 } as JournalEntry;

/** A store that can be cut off from those who use it. */
function cuttable(store: Store): { readonly store: Store; cut(isCut: boolean): void } {
  let isCut = false;
  const unlessCut = <R>(call: () => Promise<R>): Promise<R> =>
    isCut ? Promise.reject(new BatonError('BATON_STORE_UNAVAILABLE', 'cut')) : call();
  return {
    store: {
      ...store,
      get: (key, call) => unlessCut(() => store.get(key, call)),
      list: (prefix, call) => unlessCut(() => store.list(prefix, call)),
      swap: (swap, call) => unlessCut(() => store.swap(swap, call)),
    },
    cut: (cut) => void (isCut = cut),
  };
}

/** Three keepers without a PostgreSQL that share a store; each tells what its own node's report is. */
async function threeMembers(context: TestContext) {
  const memory = createMemoryStore({ clock: SYSTEM_CLOCK });
  const shared = cuttable(memory);
  const client = await createStoreClient({ ...memory, [Symbol.asyncDispose]: async () => undefined }, TOKEN);
  context.after(async () => {
    client.close();
    await memory[Symbol.asyncDispose]();
  });
  await client.createFormation({ name: 'default' });
  const members = [];
  for (const port of [5001, 5002, 5003]) {
    const keeperPort = await freePort();
    const { node_id: node } = await client.registerNode('default', {
      host: '127.0.0.1',
      port,
      keeper_port: keeperPort,
    });
    members.push(await startMember(context, shared.store, node, keeperPort));
  }
  return { shared, client, members };
}

async function startMember(context: TestContext, store: Store, node: number, port: number) {
  const member = await openGroupMember({
    store,
    address: GROUP,
    node,
    token: TOKEN,
    listen: { port, address: '127.0.0.1' },
    sslmode: 'require',
    journal: { entry: EMPTY, durable: EMPTY },
    log: SILENT_LOGGER,
    nowMs: () => performance.now(),
  });
  let version = 0;
  const link = member.connect((newer) => void (version = newer));
  let sequence = 0;
  context.after(async () => {
    await link.close();
    await member.close();
  });
  return {
    node,
    port,
    link,
    version: () => version,
    report(changes: Parameters<typeof aReport>[1], postgres: Parameters<typeof aReport>[2] = {}) {
      sequence += 1;
      link.send(aReport(node, { sequence, recordVersion: version, ...changes }, postgres));
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createProbe();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  assert(address !== null && typeof address === 'object');
  return address.port;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 3_000; turn++) {
    if (await condition()) return;
    await sleep(20);
  }
  assert.fail(`not within 60 s: ${what}`);
}

const PRIMARY = [{ promotedTerm: 1, servingTerm: 1 }, { role: 'primary' }] as const;

test('what a keeper reports to the others leads to a decision, and all of them learn of it', async (context) => {
  const { client, members } = await threeMembers(context);
  for (const member of members) member.report({});
  members[0]?.report(...PRIMARY);
  await until('the reign is confirmed', async () => {
    const { record } = await client.getGroup(GROUP);
    return record.reign?.confirmed === true;
  });
  const { record_version: version, nodes } = await client.getGroup(GROUP);
  await until('all know it', () => members.every((member) => member.version() >= version));
  assert.ok(
    nodes.every(({ report_age_ms: age }) => age !== null),
    'a command asks a keeper, which has heard of all nodes',
  );
});

test('a keeper that starts for the first time is given the record that it found in the store', async (context) => {
  const { members } = await threeMembers(context);
  assert.ok(members.every((member) => member.version() > 0));
});

test('a report of another group is no evidence in this one', async (context) => {
  const { members } = await threeMembers(context);
  const { port } = members[0] ?? { port: 0 };
  const key = TOKEN.keeperKey('default');
  const peer = createMonitorClient({ host: '127.0.0.1', port, sslmode: 'key', key });
  context.after(() => peer.close());
  await assert.rejects(peer.sendReport({ formation: 'default', group: 1 }, aReport(2)), {
    code: 'BATON_FORMATION_NOT_FOUND',
  });
});

test('who has another token is not answered, and does not join', async (context) => {
  const { client, members } = await threeMembers(context);
  const { port } = members[0] ?? { port: 0 };
  const key = useToken('u'.repeat(43)).keeperKey('default');
  const stranger = createMonitorClient({ host: '127.0.0.1', port, sslmode: 'key', key });
  context.after(() => stranger.close());
  await assert.rejects(stranger.health(), { code: 'BATON_UNAUTHORIZED' });
  assert.equal((await client.health()).ok, true);
});

test('without the store the keepers go on listening, and catch up when it is back', async (context) => {
  const { shared, client, members } = await threeMembers(context);
  shared.cut(true);
  for (const member of members) member.report({});
  members[0]?.report(...PRIMARY);
  await until('the silence is noticed', () => members.every(({ link }) => link.silentMs() > 500));
  assert.equal((await client.getGroup(GROUP)).record.reign?.confirmed, false, 'nothing was decided');
  shared.cut(false);
  await until(
    'it is decided now',
    async () => (await client.getGroup(GROUP)).record.reign?.confirmed === true,
  );
  await until('the store is heard', () => members.every(({ link }) => link.silentMs() < 2_500));
});
