import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ETCD_MISSING, etcdctl } from '../support/etcd-cluster.ts';
import { recoverStore, refusal } from '../support/store-loss.ts';
import { clusterFor, type TestCluster } from '../support/test-cluster.ts';

const options = ETCD_MISSING === undefined ? {} : { skip: ETCD_MISSING };

test(
  'etcd is wiped: writes go on, and the group is recovered by its keepers as they are',
  options,
  async (context) => {
    const cluster = await clusterFor(context, { store: 'etcd' });
    const clients = await cluster.startClients();
    await clients.progress();
    const { record: before } = await cluster.group();
    const processes = pidsOf(cluster);
    for (const member of cluster.etcd.members) await member.loseDisk();
    await clients.progress(50);
    await cluster.etcd.start();
    await refusal(cluster, /the store was made anew.*`pgbaton store recover`/);
    await assertRefused(cluster);

    assert.match(await recoverStore(cluster, '--nodes', '3', '--dry-run'), /This was a dry run/);
    await recoverStore(cluster, '--nodes', '3');
    const { record } = await cluster.settled({ nodes: 3 });
    assert.deepEqual(record.reign, before.reign);
    assert.deepEqual(pidsOf(cluster), processes, 'neither a server nor a keeper was restarted');
    await clients.progress(50);

    await (await cluster.primary()).killPostgres();
    await cluster.settled({ nodes: 3, afterTerm: record.term });
    await cluster.addNode();
    await cluster.settled({ nodes: 4 });
    await cluster.assertWhole(clients, { nodes: 4 });
  },
);

test(
  'an etcd that was put back from an old snapshot is refused, and recovered from',
  options,
  async (context) => {
    const cluster = await clusterFor(context, { store: 'etcd' });
    const clients = await cluster.startClients();
    await clients.progress();
    const { members } = cluster.etcd;
    const snapshot = join(cluster.directory, 'snapshot');
    const [first] = members;
    assert(first !== undefined);
    await etcdctl(['--endpoints', `http://${first.host}:${first.port}`, 'snapshot', 'save', snapshot]);
    const old = await cluster.term();
    await cluster.run('perform', 'switchover');
    const { record: before } = await cluster.settled({ nodes: 3, afterTerm: old });
    const processes = pidsOf(cluster);

    for (const member of members) await member.loseDisk();
    for (const member of members) await member.restore(snapshot);
    await cluster.etcd.start();
    await refusal(cluster, /restored from an old copy.*`pgbaton store recover`/);
    await assertRefused(cluster);
    await clients.progress(50);

    await recoverStore(cluster, '--nodes', '3');
    const { record } = await cluster.settled({ nodes: 3 });
    assert.deepEqual(record.reign, before.reign);
    assert.deepEqual(pidsOf(cluster), processes, 'neither a server nor a keeper was restarted');
    await (await cluster.primary()).killPostgres();
    await cluster.assertWhole(clients, { nodes: 3, afterTerm: record.term });
  },
);

async function assertRefused(cluster: TestCluster): Promise<void> {
  const { exitCode, stderr } = await cluster.pgbaton([
    'perform',
    'switchover',
    '--pgdata',
    cluster.node(1).pgdata,
  ]);
  assert.equal(exitCode, 4, stderr);
  assert.match(stderr, /the store is not to be believed/);
}

function pidsOf({ nodes }: TestCluster): readonly (readonly number[])[] {
  return nodes.map((node) => [node.postmasterPid(), node.keeper().pid]);
}
