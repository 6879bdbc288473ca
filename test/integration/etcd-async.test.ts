import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { sleep } from '../../src/system/clock.ts';
import { isAlive } from '../../src/system/process.ts';
import { ETCD_MISSING } from '../support/etcd-cluster.ts';
import { startStoreGroup, type StoreGroup } from '../support/store-group.ts';
import { eventually } from '../support/test-monitor.ts';

const options = ETCD_MISSING === undefined ? {} : { skip: ETCD_MISSING };
const LEASE_MS = 4_000;

describe('keepers decide in etcd for a group whose commits wait for nobody', options, () => {
  let group: StoreGroup;
  before(async () => {
    group = await startStoreGroup();
    await group.client.updateSettings('default', {
      crash_failovers: 100,
      durability: 'async',
      lease_ms: LEASE_MS,
    });
    await eventually('the new rule', async () => {
      const { record } = await group.group();
      return record.rules.length === 1 && record.rules[0]?.k === 0 && record.rules[0].cohort.length === 3;
    });
    await group.settled({ nodes: 3 });
  });
  afterEach(async (context) => {
    // `passed` is missing in the type declarations of Node 24.
    if ((context as { readonly passed?: boolean }).passed === false) console.error(await group.describe());
  });
  after(() => group?.stop());

  const term = async (): Promise<number> => (await group.group()).record.reign?.term ?? 0;
  const stopEtcd = async (): Promise<void> => {
    await Promise.all(group.etcd.members.map((member) => member.kill()));
  };
  const startEtcd = async (): Promise<void> => {
    for (const member of group.etcd.members) member.start();
    await group.etcd.ready();
  };

  test('an ordered switchover loses nothing', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const before = await term();
    const { exitCode, stderr } = await group.pgbaton('perform', 'switchover');
    assert.equal(exitCode, 0, stderr);
    await group.assertWhole(clients, { afterTerm: before });
  });

  test('the machine of the primary is lost: another node takes over when its lease has gone from etcd', async () => {
    const [old, before] = [await group.primary(), await term()];
    await Promise.all([old.killKeeper(), old.killAllOfPostgres()]);
    await eventually('another term', async () => (await term()) > before, 60_000);
    const { record } = await group.group();
    assert.equal(record.reign?.fencedBy, 'lease');
    old.startKeeper();
    await group.settled({ nodes: 3, afterTerm: before });
  });

  test('etcd is lost and every member confirms it: the primary goes on', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const [primary, before] = [await group.primary(), await term()];
    const postmaster = primary.postmasterPid();
    await stopEtcd();
    await sleep(3 * LEASE_MS);
    await clients.progress();
    assert.equal(primary.postmasterPid(), postmaster);
    await startEtcd();
    await group.assertWhole(clients);
    assert.equal(await term(), before);
  });

  test('etcd is lost and one member is missing: the primary is closed in time, and comes back with etcd', async () => {
    const primary = await group.primary();
    const [standby] = await group.standbys();
    assert(standby !== undefined);
    const postmaster = primary.postmasterPid();
    await Promise.all([standby.killKeeper(), standby.killAllOfPostgres()]);
    await stopEtcd();
    const beganMs = performance.now();
    await eventually('the end of the primary', () => Promise.resolve(!isAlive(postmaster)), 30_000);
    assert.ok(performance.now() - beganMs < LEASE_MS + 1_000, 'it went on for longer than its lease');
    await startEtcd();
    standby.startKeeper();
    await group.settled({ nodes: 3 });
    const clients = await group.startClients();
    await group.assertWhole(clients);
  });
});
