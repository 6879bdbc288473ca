import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { sleep } from '../../src/system/clock.ts';
import { isAlive, sendSignal } from '../../src/system/process.ts';
import { startReader } from '../support/cluster-clients.ts';
import type { ClusterNode } from '../support/cluster-node.ts';
import type { StubbornReader } from '../support/stubborn-reader.ts';
import { sharedCluster } from '../support/test-cluster.ts';
import { eventually } from '../support/test-monitor.ts';

const PATIENCE_MS = 30_000;
/** The shortest that there is. */
const LEASE_MS = 3_000;

async function ends(what: string, isOver: () => boolean): Promise<void> {
  await eventually(what, () => Promise.resolve(isOver()), PATIENCE_MS);
}

async function write(node: ClusterNode, value: number): Promise<void> {
  await node.sql('CREATE TABLE IF NOT EXISTS kept (value int PRIMARY KEY)');
  await node.sql(`INSERT INTO kept VALUES (${value})`);
}

describe('a group whose commits wait for nobody', () => {
  const cluster = sharedCluster();
  before(async () => {
    await cluster().run('set', 'formation', 'lease-ms', String(LEASE_MS));
    await cluster().run('set', 'formation', 'durability', 'async');
    await cluster().client.updateSettings('default', { crash_failovers: 100, fencing: 'on' });
    await cluster().waitUntil(
      'the new rule',
      ({ record }) => record.rules.length === 1 && record.rules[0]?.k === 0,
    );
    await cluster().settled({ nodes: 3 });
  });

  test('its primary names no standby, and all of them can take over', async () => {
    const primary = await cluster().primary();
    const [row] = await primary.sql('SHOW synchronous_standby_names');
    assert.equal(row?.['synchronous_standby_names'], '');
    assert.equal((await cluster().group()).record.rules[0]?.cohort.length, 3);
    assert.match(await cluster().run('get', 'formation', 'durability'), /^async$/m);
    await cluster().run('perform', 'switchover', '--dry-run');
  });

  test('an ordered switchover loses nothing', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const term = await cluster().term();
    await cluster().run('perform', 'switchover');
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole(clients);
  });

  test('a killed PostgreSQL gives what only it had to its successor', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await old.killPostgres();
    await cluster().newPrimary(term);
    await cluster().settled({ nodes: 3, afterTerm: term });
    const { record } = await cluster().group();
    // A machine that took more than five seconds for its recovery was not waited for, and the record says so.
    if (record.reign?.fencedBy === undefined) await cluster().assertWhole(clients);
    else {
      await clients.stop();
      assert.notEqual(record.reign.mayLackBytes, undefined);
    }
  });

  test('a keeper hangs and the standbys hear nothing: the fencer ends PostgreSQL before another node begins', async () => {
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await write(old, 1);
    const postmaster = old.postmasterPid();
    sendSignal(old.keeper().pid, 'SIGSTOP');
    await ends('the end of the old primary', () => !isAlive(postmaster));
    assert.equal(await cluster().term(), term, 'another reign began before the old primary was ended');
    const successor = await cluster().newPrimary(term);
    const { record } = await cluster().group();
    assert.equal(record.reign?.fencedBy, 'lease');
    assert.equal(record.reign.mayLackBytes, 0);
    await write(successor, 2);
    sendSignal(old.keeper().pid, 'SIGCONT');
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole();
  });

  test('the machine of the primary is lost: another node takes over when the lease has ended', async () => {
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await write(old, 3);
    await old.killKeeper();
    await old.killAllOfPostgres();
    const beganMs = performance.now();
    const successor = await cluster().newPrimary(term);
    assert.ok(performance.now() - beganMs > LEASE_MS / 2, 'the lease was not waited for');
    await write(successor, 4);
    await cluster().revive();
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole();
  });

  test('the store is lost and every member confirms it: the primary goes on', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [primary, term] = [await cluster().primary(), await cluster().term()];
    const postmaster = primary.postmasterPid();
    await cluster().monitor.kill();
    await sleep(4 * LEASE_MS);
    await clients.progress();
    assert.equal(primary.postmasterPid(), postmaster);
    await cluster().monitor.start();
    await cluster().settled({ nodes: 3 });
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole(clients);
  });

  test('the store is lost and one member is missing: the primary is closed in time, and comes back with the store', async () => {
    const [primary, term] = [await cluster().primary(), await cluster().term()];
    const standby = await cluster().standby();
    const postmaster = primary.postmasterPid();
    await standby.killKeeper();
    await standby.killAllOfPostgres();
    await cluster().monitor.kill();
    const beganMs = performance.now();
    await ends('the end of the primary', () => !isAlive(postmaster));
    assert.ok(performance.now() - beganMs < LEASE_MS + 1_000, 'it went on for longer than its lease');
    await cluster().monitor.start();
    await cluster().revive();
    await cluster().settled({ nodes: 3 });
    assert.ok((await cluster().term()) >= term);
    await cluster().assertWhole();
  });
});

describe('a group with a quorum whose reads are strict', () => {
  const cluster = sharedCluster();
  before(async () => {
    await cluster().run('set', 'formation', 'lease-ms', String(LEASE_MS));
    await cluster().run('set', 'formation', 'reads', 'strict');
    await cluster().run('set', 'formation', 'fencing', 'on');
    await cluster().client.updateSettings('default', { crash_failovers: 100 });
    await cluster().settled({ nodes: 3 });
  });

  test('the keeper of the primary hangs: nobody reads on the old one when the next one serves', async (context) => {
    const [old, term] = [await cluster().primary(), await cluster().term()];
    const readers = new Map<ClusterNode, StubbornReader>();
    context.after(() => Promise.all([...readers.values()].map((reader) => reader.stop())));
    for (const node of cluster().nodes) readers.set(node, await startReader(old, node));
    await ends('a reader is answered', () => readers.get(old)?.firstMs() !== Infinity);
    sendSignal(old.keeper().pid, 'SIGSTOP');
    const successor = await cluster().newPrimary(term);
    await ends('a reader is answered by the next one', () => readers.get(successor)?.firstMs() !== Infinity);
    sendSignal(old.keeper().pid, 'SIGCONT');
    await cluster().settled({ nodes: 3, afterTerm: term });
    const [last, first] = [readers.get(old)?.lastMs() ?? NaN, readers.get(successor)?.firstMs() ?? NaN];
    assert.ok(last < first, `the old one answered ${Math.round(last - first)} ms after the first answer`);
    await cluster().assertWhole();
  });

  test('the store is lost and every member confirms it: the primary goes on', async () => {
    const clients = await cluster().startClients();
    const term = await cluster().term();
    await cluster().monitor.kill();
    await sleep(2 * LEASE_MS);
    await clients.progress();
    await cluster().monitor.start();
    await cluster().settled({ nodes: 3 });
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole(clients);
  });

  test('the store is lost and one member is missing: the primary is closed for readers too', async (context) => {
    const [primary, standby] = [await cluster().primary(), await cluster().standby()];
    const reader = await startReader(primary, primary);
    context.after(() => reader.stop());
    await ends('a reader is answered', () => reader.firstMs() !== Infinity);
    await standby.killKeeper();
    await standby.killAllOfPostgres();
    await cluster().monitor.kill();
    const lostMs = performance.now();
    await sleep(2 * LEASE_MS);
    const servedMs = reader.lastMs() - lostMs;
    assert.ok(servedMs < LEASE_MS, `readers were served for ${Math.round(servedMs)} ms`);
    await cluster().monitor.start();
    await cluster().revive();
    await cluster().settled({ nodes: 3 });
    await cluster().assertWhole();
  });
});
