import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { aReport } from '../../test/support/a-report.ts';
import { createManualClock } from '../../test/support/manual-clock.ts';
import { DEFAULT_SETTINGS, emptyRecord } from '../core/group-record.ts';
import { useToken } from '../deciding/derived-secrets.ts';
import { createStoreClient } from '../deciding/store-client.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Store } from '../store/store.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createObserver } from './observer.ts';

const TOKEN = useToken('0123456789abcdef0123456789abcdef');
const GROUP = { formation: 'default', group: 0 };
const REFUSED = { code: 'BATON_REFUSED', message: /only observes the groups in etcd:\/\/here/ };

/** Over a store with a formation that has no nodes yet, so that there is no keeper to ask. */
async function openObserver(context: TestContext, changes: Partial<Store> = {}) {
  const clock = createManualClock();
  const memory = createMemoryStore({ clock });
  // As `createStoreClient` closes its store with itself.
  const keepOpen = { [Symbol.asyncDispose]: () => Promise.resolve() };
  const commands = await createStoreClient({ ...memory, ...keepOpen }, TOKEN);
  await commands.createFormation({ name: 'default' });
  const store = { ...memory, ...changes };
  const uri = 'etcd://here';
  const observer = createObserver({
    store,
    uri,
    token: TOKEN,
    log: SILENT_LOGGER,
    now: () => clock.now(),
  });
  context.after(() => {
    observer.close();
    commands.close();
    return memory[Symbol.asyncDispose]();
  });
  return { service: observer.service, commands, memory };
}

test('an observer answers for what stands in the store, also for what has come into it since', async (context) => {
  const { service, commands } = await openObserver(context);
  assert.equal((await service.getGroup(GROUP)).record.formation, 'default');
  await commands.createFormation({ name: 'second' });
  const names = (await service.listFormations()).map(({ name }) => name);
  assert.deepEqual(names, ['default', 'second']);
  assert.equal((await service.getGroup({ formation: 'second', group: 0 })).record.formation, 'second');
});

test('an observer is no home: it takes in no node and no group, and a keeper that reports to it is told', async (context) => {
  const { service, memory } = await openObserver(context);
  const { version } = await memory.list('', { timeoutMs: 1_000 });
  const node = {
    host: 'a',
    port: 1,
    candidate_priority: 50,
    replication_quorum: true,
    auth: 'trust',
  } as const;
  await assert.rejects(service.registerNode('default', { ...node, group: 0, system_identifier: null }), {
    ...REFUSED,
    hint: /--store etcd:\/\/here/,
  });
  const record = emptyRecord('default', 0, DEFAULT_SETTINGS);
  await assert.rejects(service.arriveGroup(GROUP, { record }), REFUSED);
  const asked = { nodes: 1, missing: [], requested_by: 'a test', dry_run: false, allow_data_loss: false };
  await assert.rejects(service.recoverGroup(GROUP, asked), REFUSED);
  const { refused } = await service.takeReport(GROUP, aReport(1));
  assert.match(refused ?? '', /nothing is decided here/);
  assert.equal((await memory.list('', { timeoutMs: 1_000 })).version, version);
});

test('an observer whose store does not answer is not well', async (context) => {
  let fails = false;
  const { service } = await openObserver(context, {
    get: () => (fails ? Promise.reject(new Error('away')) : Promise.resolve(undefined)),
  });
  assert.equal((await service.health()).ok, true);
  fails = true;
  assert.equal((await service.health()).ok, false);
});
