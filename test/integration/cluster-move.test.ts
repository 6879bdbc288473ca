import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MOVER_CRASH_POINTS } from '../../src/cli/move-group.ts';
import { MOVE_CRASH_POINTS } from '../../src/keeper/crash-point.ts';
import { assertReplayed } from '../support/cluster-clients.ts';
import { ETCD_MISSING } from '../support/etcd-cluster.ts';
import { twoHomes, type TestHome } from '../support/two-homes.ts';

const options = ETCD_MISSING === undefined ? {} : { skip: ETCD_MISSING };

test(
  'a group moves into etcd and back to its monitor while it is written to, and fails over in each',
  options,
  async (context) => {
    const homes = await twoHomes(context);
    const { cluster, etcd, monitor } = homes;
    const postmasters = cluster.nodes.map((node) => node.postmasterPid());
    const clients = await cluster.startClients();
    await clients.progress(300);
    console.log(`longest write gap before: ${Math.round(clients.longestGapMs(0))} ms`);
    const term = await cluster.term();
    const plan = await cluster.run('store', 'move', '--to', etcd.uri, '--dry-run');
    assert.match(plan, /This was a dry run/);

    const before = clients.count();
    const output = await cluster.run('store', 'move', '--to', etcd.uri);
    console.log(output);
    await clients.progress(100);
    console.log(`write gap of the move into etcd: ${Math.round(clients.longestGapMs(before))} ms`);
    assert.deepEqual(
      cluster.nodes.map((node) => node.postmasterPid()),
      postmasters,
      'no server was restarted',
    );
    assert.equal((await etcd.settled({ nodes: 3 })).record.reign?.term, term, 'nobody was promoted');

    const old = await cluster.pgbaton(['show', 'state', '--monitor', monitor.uri]);
    assert.match(old.stderr, /the group has moved to etcd:/);
    const refused = await cluster.pgbaton(['perform', 'switchover', '--monitor', monitor.uri]);
    assert.equal(refused.exitCode, 4, refused.stdout);
    assert.match(refused.stderr, /the group has moved to etcd:/);
    assert.match((await cluster.pgbaton(['why', '--monitor', monitor.uri])).stdout, /has moved to etcd:/);
    for (const command of ['show state', 'show uri', 'why', 'perform switchover']) {
      const there = await etcd.pgbaton(...command.split(' '));
      assert.equal(there.exitCode, 0, `${command}: ${there.stderr}`);
    }
    assert.match(readFileSync(`${cluster.node(1).stateDirectory}/pgbaton.yaml`, 'utf8'), /uri: etcd:/);
    await etcd.failOver();

    const beforeReturn = clients.count();
    const back = await etcd.pgbaton('store', 'move', '--to', monitor.uri);
    console.log(back.stdout);
    assert.equal(back.exitCode, 0, back.stderr);
    await clients.progress(100);
    console.log(`write gap of the move back: ${Math.round(clients.longestGapMs(beforeReturn))} ms`);
    const left = await etcd.pgbaton('show', 'state');
    assert.match(left.stderr, /the group has moved to pgbaton:/);
    await monitor.failOver();
    await cluster.assertWhole(clients, { nodes: 3 });
  },
);

test(
  'the command is killed between any two steps: the group stays whole, and the next one goes on',
  options,
  async (context) => {
    const homes = await twoHomes(context);
    const { cluster } = homes;
    const clients = await cluster.startClients();
    let [from, to] = [homes.monitor, homes.etcd];
    for (const point of MOVER_CRASH_POINTS) {
      const killed = await from.pgbaton('store', 'move', '--to', to.uri, { PGBATON_CRASH_AT: point });
      assert.equal(killed.exitCode, null, `the command passes "${point}": ${killed.stdout}${killed.stderr}`);
      await clients.progress();
      if (point !== 'move: moved') await from.failOver();
      const resumed = await from.pgbaton('store', 'move', '--to', to.uri);
      assert.equal(resumed.exitCode, 0, `after "${point}": ${resumed.stdout}${resumed.stderr}`);
      await to.settled();
      await clients.progress();
      [from, to] = [to, from];
    }
    const killed = await from.pgbaton('store', 'move', '--to', to.uri, {
      PGBATON_CRASH_AT: 'move: announced',
    });
    assert.equal(killed.exitCode, null);
    const undone = await from.pgbaton('store', 'move', '--to', to.uri, '--undo');
    assert.equal(undone.exitCode, 0, undone.stderr);
    await from.failOver();
    await clients.progress();
    await clients.stop();
    await assertReplayed(clients, cluster.nodes);
  },
);

test(
  'a keeper is killed at any step on its way, and finds the new home when it is started again',
  options,
  async (context) => {
    const homes = await twoHomes(context);
    const { cluster } = homes;
    const clients = await cluster.startClients();
    let [from, to] = [homes.monitor, homes.etcd];
    for (const [index, point] of MOVE_CRASH_POINTS.entries()) {
      const node = cluster.node(index + 1);
      await node.killKeeper();
      node.startKeeper({ PGBATON_CRASH_AT: point });
      // Longer than the detection time: what the killed one has said does not count any more.
      await sleep(4_000);
      await from.settled();
      const moved = await from.pgbaton('store', 'move', '--to', to.uri, '--wait', '10');
      assert.equal(moved.exitCode, 1, `one node is missing: ${moved.stdout}${moved.stderr}`);
      assert.match(moved.stderr, new RegExp(`the group has moved, and "${node.name}" is not heard`));
      assert.equal(await node.keeper().end(), 'SIGKILL');
      await clients.progress();
      node.startKeeper();
      await to.settled();
      [from, to] = [to, from];
    }
    await from.failOver();
    await clients.progress();
    await clients.stop();
    await assertReplayed(clients, cluster.nodes);
  },
);

test(
  'a keeper that slept through a move is told by the old home, or finds the group where it was to go',
  options,
  async (context) => {
    const homes = await twoHomes(context);
    const { cluster, monitor, etcd } = homes;
    // So that the node counts as here for long enough after its keeper was killed.
    await cluster.client.updateSettings('default', { detection_ms: 20_000 });
    const clients = await cluster.startClients();
    const sleeper = cluster.node(3);

    async function moveWithout(from: TestHome, to: TestHome): Promise<void> {
      const killed = await from.pgbaton('store', 'move', '--to', to.uri, {
        PGBATON_CRASH_AT: 'move: confirmed',
      });
      assert.equal(killed.exitCode, null, killed.stderr);
      // Each keeper decides by what it was told itself: all have heard of it by then.
      await sleep(2_000);
      await sleeper.killKeeper();
      const moved = await from.pgbaton('store', 'move', '--to', to.uri, '--wait', '5');
      console.log(moved.stdout);
      assert.match(moved.stderr, /the group has moved, and .*"node3".* not heard/);
      await clients.progress();
    }

    await moveWithout(monitor, etcd);
    sleeper.startKeeper();
    await etcd.settled();
    await moveWithout(etcd, monitor);
    sleeper.startKeeper();
    await monitor.settled();

    await moveWithout(monitor, etcd);
    await cluster.monitor.kill();
    sleeper.startKeeper();
    await etcd.settled();
    await etcd.failOver();
    await clients.progress();
    await clients.stop();
    await assertReplayed(clients, cluster.nodes);
  },
);

test('a node that can not use the new home is named, and nothing changes', options, async (context) => {
  const { cluster, monitor, etcd } = await twoHomes(context);
  const token = `${cluster.node(2).stateDirectory}/token`;
  renameSync(token, `${token}.away`);
  const refused = await monitor.pgbaton('store', 'move', '--to', etcd.uri);
  assert.equal(refused.exitCode, 4, refused.stdout);
  assert.match(refused.stderr, /"node2" can't go along.*there is no token in/s);
  assert.equal((await cluster.group()).record.move, undefined);
  renameSync(`${token}.away`, token);

  const same = await monitor.pgbaton('store', 'move', '--to', monitor.uri);
  assert.match(same.stderr, /is the home that the group has now/);
  await cluster.node(3).killKeeper();
  await cluster.waitUntil('it is missed', ({ nodes }) =>
    nodes.some(({ connection }) => connection.endsWith('!')),
  );
  const missing = await monitor.pgbaton('store', 'move', '--to', etcd.uri);
  assert.match(missing.stderr, /"node3" is not heard of/);
  await cluster.startKeeper(cluster.node(3));
  await cluster.run('enable', 'maintenance', '--name', 'node3');
  const resting = await monitor.pgbaton('store', 'move', '--to', etcd.uri);
  assert.match(resting.stderr, /"node3" is in maintenance/);
});

test(
  'a node that joins after a move is given the passwords that the group has had all along',
  options,
  async (context) => {
    const { cluster, monitor, etcd } = await twoHomes(context);
    await cluster.run('store', 'move', '--to', etcd.uri);
    const token = ['--token-file', cluster.monitor.tokenFile ?? ''];
    await cluster.addNode({ home: ['--store', etcd.uri, ...token] });
    await etcd.settled({ nodes: 4 });
    const back = await etcd.pgbaton('store', 'move', '--to', monitor.uri);
    assert.equal(back.exitCode, 0, back.stderr);
    await cluster.addNode();
    await monitor.settled({ nodes: 5 });
  },
);
