import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runPgbaton } from '../support/cluster-process.ts';
import { copyStore, recoverStore, refusal } from '../support/store-loss.ts';
import { clusterFor } from '../support/test-cluster.ts';

test('the directory of the monitor is lost: writes go on, and the group is recovered from its nodes', async (context) => {
  const cluster = await clusterFor(context, { auth: 'scram-sha-256', monitorAuth: 'token' });
  const clients = await cluster.startClients();
  await clients.progress();
  const [primary, term, { record: before }] = [
    await cluster.primary(),
    await cluster.term(),
    await cluster.group(),
  ];
  const postmasters = cluster.nodes.map((node) => node.postmasterPid());
  const { monitor } = cluster;
  await monitor.kill();
  rmSync(monitor.pgdata, { recursive: true });
  await clients.progress(50);

  // As docs/operations/monitor-loss.md says: a new directory, with the token that the nodes have.
  const create = `create monitor --pgdata ${monitor.pgdata} --pgport ${monitor.port} --hostname 127.0.0.1`;
  const token = join(cluster.node(2).stateDirectory, 'token');
  const made = await runPgbaton([...create.split(' '), '--listen', '127.0.0.1', '--token-file', token], {
    cwd: cluster.directory,
  });
  assert.equal(made.exitCode, 0, made.stderr);
  await monitor.start();
  await refusal(cluster, /the store was made anew.*`pgbaton store recover`/);
  const registration = await cluster.pgbaton(['set', 'formation', 'number-sync-standbys', '0']);
  assert.equal(registration.exitCode, 4);
  assert.match(registration.stderr, /BATON_STORE_OUTDATED|not to be believed/);

  assert.match(await recoverStore(cluster, '--nodes', '3', '--dry-run'), /This was a dry run/);
  assert.equal((await cluster.group()).record.nodes.length, 0);
  const wrong = await cluster.pgbaton(
    `store recover --pgdata ${cluster.node(1).pgdata} --nodes 4`.split(' '),
  );
  assert.equal(wrong.exitCode, 4, wrong.stdout);
  assert.match(wrong.stderr, /has 3 nodes .* you say 4/);

  await recoverStore(cluster, '--nodes', '3');
  const { record } = await cluster.settled({ nodes: 3 });
  assert.deepEqual(record.reign, before.reign);
  assert(record.term > term + 500, `the next term is past all others: ${record.term}`);
  assert.deepEqual(
    cluster.nodes.map((node) => node.postmasterPid()),
    postmasters,
    'no server was restarted',
  );
  await clients.progress(50);

  await primary.killPostgres();
  await cluster.settled({ nodes: 3, afterTerm: record.term });
  // Only a monitor that has the passwords again can let another node in.
  await cluster.addNode();
  await cluster.settled({ nodes: 4 });
  await cluster.assertWhole(clients, { nodes: 4 });
});

test('an old copy of the store is refused, with the reason and the way out, and the group is recovered', async (context) => {
  const cluster = await clusterFor(context);
  const clients = await cluster.startClients();
  await clients.progress();
  const { monitor } = cluster;
  const copy = await copyStore(cluster);
  // Before it has heard of the standbys, a primary that crashes is started again in its place.
  await cluster.settled({ nodes: 3 });
  const first = await cluster.term();
  await (await cluster.primary()).killPostgres();
  await cluster.settled({ nodes: 3, afterTerm: first });
  const [primary, term] = [await cluster.primary(), await cluster.term()];

  await copy.putBack();
  await refusal(cluster, /restored from an old copy.*`pgbaton store recover`/);
  assert.match(await cluster.run('why'), /restored from an old copy/);
  const events = await cluster.run('show', 'events', '--count', '100');
  assert.match(events, /restored from an old copy/);
  const refused = await cluster.pgbaton(['perform', 'switchover']);
  assert.equal(refused.exitCode, 4, refused.stdout);
  await clients.progress(50);

  // Nobody decides, and the primary still comes back after a crash: its voters fence it.
  await primary.killPostgres();
  await clients.progress();
  await monitor.kill();
  await monitor.start();
  await refusal(cluster, /restored from an old copy/);

  await recoverStore(cluster, '--nodes', '3');
  const { record } = await cluster.settled({ nodes: 3 });
  assert.equal((await cluster.primary()).name, primary.name);
  assert.equal(record.reign?.term, term);
  assert.match(await cluster.run('show', 'events', '--count', '100'), /recovered by/);
  await cluster.assertWhole(clients, { keepClients: true });
  await primary.killPostgres();
  await cluster.settled({ nodes: 3, afterTerm: record.term });
  await cluster.assertWhole(clients);
});
