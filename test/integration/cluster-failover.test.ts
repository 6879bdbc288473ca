import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { sharedCluster } from '../support/test-cluster.ts';

describe('three nodes lose one part', () => {
  const cluster = sharedCluster();
  before(async () => {
    // The budget on failovers for crashes has a test of its own.
    await cluster().client.updateSettings('default', { crash_failovers: 100 });
  });

  test('a primary whose PostgreSQL is killed is replaced, and comes back as a standby', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await old.killPostgres();
    await cluster().settled({ nodes: 3, afterTerm: term });
    assert.notEqual((await cluster().primary()).name, old.name);
    await cluster().assertWhole(clients);
  });

  test('the same when every process of its PostgreSQL is killed at once', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await old.killAllOfPostgres();
    await cluster().settled({ nodes: 3, afterTerm: term });
    assert.notEqual((await cluster().primary()).name, old.name);
    await cluster().assertWhole(clients);
  });

  test('the machine of the primary is lost: another node takes over, and it comes back as a standby', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await Promise.all([old.killKeeper(), old.killAllOfPostgres()]);
    await cluster().newPrimary(term);
    await clients.progress();
    old.startKeeper();
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole(clients);
  });

  for (const role of ['primary', 'standby'] as const) {
    test(`the keeper of a ${role} is killed: PostgreSQL goes on, and the next keeper adopts it`, async () => {
      const clients = await cluster().startClients();
      await clients.progress();
      const node = await cluster()[role]();
      const [term, postmaster] = [await cluster().term(), node.postmasterPid()];
      await node.killKeeper();
      await cluster().waitUntilNode(node, 'its keeper to be missed', ({ connection }) =>
        connection.includes('!'),
      );
      await clients.progress();
      node.startKeeper();
      await cluster().settled({ nodes: 3 });
      assert.equal(await cluster().term(), term, 'a keeper that is gone is no reason for a failover');
      assert.equal(node.postmasterPid(), postmaster);
      await cluster().assertWhole(clients);
    });
  }

  test('a standby whose PostgreSQL is killed is started again, and writes never stop', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const standby = await cluster().standby();
    const [term, postmaster] = [await cluster().term(), standby.postmasterPid()];
    await standby.killPostgres();
    await cluster().waitUntilNode(
      standby,
      'the standby to be missed',
      (view) => view.reported_state !== 'secondary',
    );
    await cluster().settled({ nodes: 3 });
    assert.notEqual(standby.postmasterPid(), postmaster);
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole(clients);
  });

  test('the machine of a standby is lost and comes back: writes go on all the time', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const standby = await cluster().standby();
    const term = await cluster().term();
    await Promise.all([standby.killKeeper(), standby.killAllOfPostgres()]);
    await cluster().waitUntilNode(standby, 'the standby to be missed', ({ connection }) =>
      connection.includes('!'),
    );
    await clients.progress();
    standby.startKeeper();
    await cluster().settled({ nodes: 3 });
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole(clients);
  });

  test('both standbys are lost: commits wait, and go on when one of them is back', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [first, second] = await cluster().standbys();
    assert(first !== undefined && second !== undefined);
    const [primary, term] = [await cluster().primary(), await cluster().term()];
    await Promise.all([first, second].flatMap((node) => [node.killKeeper(), node.killAllOfPostgres()]));
    const before = clients.count();
    for (const node of [first, second])
      await cluster().waitUntilNode(node, 'it to be missed', ({ connection }) => connection.includes('!'));
    // One may have been on its way to the application when the second standby went.
    assert(clients.count() <= before + 1, 'a commit that nobody else has is not acknowledged');
    first.startKeeper();
    await clients.progress();
    second.startKeeper();
    await cluster().settled({ nodes: 3 });
    assert.equal((await cluster().primary()).name, primary.name);
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole(clients);
  });

  test('the monitor is killed: writes go on, and it comes back with all that it had decided', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const { record: before, record_version: version } = await cluster().group();
    await cluster().monitor.kill();
    await clients.progress(100);
    await cluster().monitor.start();
    const { record, record_version: versionAfter } = await cluster().settled({ nodes: 3 });
    assert.deepEqual(record, before);
    assert.equal(versionAfter, version, 'a restart is no reason for a decision');
    await cluster().assertWhole(clients);
  });

  test('the primary dies while the monitor is down: the failover begins when it is back', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    await cluster().monitor.kill();
    await Promise.all([old.killKeeper(), old.killAllOfPostgres()]);
    await cluster().monitor.start();
    await cluster().newPrimary(term);
    await clients.progress();
    old.startKeeper();
    await cluster().settled({ nodes: 3, afterTerm: term });
    await cluster().assertWhole(clients);
  });

  test('everything is killed at once and started again', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const { nodes, monitor } = cluster();
    await Promise.all([
      monitor.kill(),
      ...nodes.map((node) => node.killKeeper()),
      ...nodes.map((node) => node.killAllOfPostgres()),
    ]);
    await cluster().revive();
    await cluster().settled({ nodes: 3 });
    await clients.progress();
    await cluster().assertWhole(clients);
  });

  test('after as many failovers for crashes as the group allows, a crash is restarted in place', async () => {
    await cluster().client.updateSettings('default', { crash_failovers: 0 });
    const clients = await cluster().startClients();
    await clients.progress();
    const [primary, term] = [await cluster().primary(), await cluster().term()];
    await primary.killPostgres();
    await cluster().waitUntil('the restart', ({ record }) => (record.reign?.restarts ?? 0) > 0);
    await clients.progress();
    await cluster().settled({ nodes: 3 });
    assert.equal(await cluster().term(), term);
    await cluster().client.updateSettings('default', { crash_failovers: 100 });
    await cluster().assertWhole(clients);
  });
});
