import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ETCD_MISSING, startEtcdCluster } from '../support/etcd-cluster.ts';
import { clusterFor } from '../support/test-cluster.ts';

const options = ETCD_MISSING === undefined ? {} : { skip: ETCD_MISSING };

test('a group moves from its monitor into etcd under write load', options, async (context) => {
  const cluster = await clusterFor(context, { auth: 'scram-sha-256', monitorAuth: 'token' });
  const etcd = await startEtcdCluster();
  context.after(() => etcd.remove());
  const uri = `etcd://${etcd.members.map(({ host, port }) => `${host}:${port}`).join(',')}/groups?sslmode=disable`;
  const clients = await cluster.startClients();
  await clients.progress();
  const from = clients.count();
  const moved = await cluster.pgbaton(['store', 'move', '--to', uri]);
  console.log(moved.stdout, moved.stderr);
  assert.equal(moved.exitCode, 0, moved.stderr);
  await clients.progress(100);
  console.log(`write gap: ${clients.longestGapMs(from)} ms`);
});
