import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { sleep } from '../../src/system/clock.ts';
import { clusterFor, sharedCluster } from '../support/test-cluster.ts';

describe('a PostgreSQL hangs while its keeper lives', () => {
  const cluster = sharedCluster();
  before(async () => {
    // The budget on failovers for crashes has a test of its own.
    await cluster().client.updateSettings('default', { crash_failovers: 100, hang_ms: 8_000 });
  });

  test('all processes of the primary are stopped: another node takes over, and it is ended and comes back', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    old.signalPostgres('all', 'SIGSTOP');
    await cluster().newPrimary(term);
    await clients.progress();
    await cluster().settled({ nodes: 3, afterTerm: term });
    assert.notEqual((await cluster().primary()).name, old.name);
    await cluster().assertWhole(clients);
  });

  test('the postmaster alone is stopped for a moment: the sessions that it has go on, and nothing moves', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [primary, term] = [await cluster().primary(), await cluster().term()];
    primary.signalPostgres('postmaster', 'SIGSTOP');
    await sleep(4_000);
    await clients.progress();
    primary.signalPostgres('postmaster', 'SIGCONT');
    await cluster().assertWhole(clients);
    assert.equal(await cluster().term(), term);
  });

  test('the postmaster alone is stopped for good: another node takes over, for nobody new gets in', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [old, term] = [await cluster().primary(), await cluster().term()];
    old.signalPostgres('postmaster', 'SIGSTOP');
    await cluster().newPrimary(term);
    await clients.progress();
    await cluster().settled({ nodes: 3, afterTerm: term });
    assert.notEqual((await cluster().primary()).name, old.name);
    await cluster().assertWhole(clients);
  });

  test('a standby hangs: writes go on, and it is started anew', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const [standby, term] = [await cluster().standby(), await cluster().term()];
    const postmaster = standby.postmasterPid();
    standby.signalPostgres('all', 'SIGSTOP');
    await cluster().waitUntilNode(standby, 'its hang to be seen', ({ connection }) => connection === 'none');
    await clients.progress();
    await cluster().settled({ nodes: 3 });
    assert.notEqual(standby.postmasterPid(), postmaster);
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole(clients);
  });
});

test('a primary that hangs with nobody to take over is restarted in place', async (context) => {
  const cluster = await clusterFor(context, { nodes: 1 });
  await cluster.client.updateSettings('default', { hang_ms: 4_000 });
  const clients = await cluster.startClients();
  await clients.progress();
  const postmaster = cluster.node(1).postmasterPid();
  cluster.node(1).signalPostgres('all', 'SIGSTOP');
  await cluster.waitUntil('the permission to restart', ({ record }) => record.reign?.restarts === 1);
  await clients.progress();
  assert.notEqual(cluster.node(1).postmasterPid(), postmaster);
  await cluster.assertWhole(clients);
});
