import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sharedCluster } from '../support/test-cluster.ts';

describe('switchover of three nodes', () => {
  const cluster = sharedCluster();

  test('twenty in a row under load lose nothing', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    for (let round = 1; round <= 20; round++) {
      const old = await cluster().primary();
      await cluster().run('perform', 'switchover');
      assert.notEqual((await cluster().primary()).name, old.name, `round ${round}`);
    }
    await cluster().assertWhole(clients, { nodes: 3 });
  });

  test('the transitions are shown as they happen, and a named node becomes the primary', async () => {
    const [old, target] = [await cluster().primary(), (await cluster().standbys())[1]];
    assert(target !== undefined);
    const shown = await cluster().run('perform', 'switchover', '--name', target.name);
    assert.match(shown, /Time \| +Name \| +Node \| +Host:Port \| +Current State \| +Assigned State/);
    assert.match(shown, new RegExp(`${old.name} .* draining`));
    assert.match(shown, new RegExp(`${target.name} .* primary \\\\| +primary`));
    assert.equal((await cluster().primary()).name, target.name);
    await cluster().run('perform', 'switchover', '--name', old.name);
    assert.equal((await cluster().primary()).name, old.name, 'and back');
    await cluster().assertWhole();
  });

  test('a dry run says the steps and changes nothing', async () => {
    const before = await cluster().group();
    const target = await cluster().standby();
    const shown = await cluster().run('perform', 'switchover', '--name', target.name, '--dry-run');
    assert.match(shown, /1\. .*\n.*2\. /);
    assert.match(shown, /nothing was changed/);
    assert.equal((await cluster().group()).record_version, before.record_version);
  });

  test('one to a node that does not exist is refused', async () => {
    const { exitCode, stderr } = await cluster().pgbaton(['perform', 'switchover', '--name', 'node9']);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /no node "node9"/);
  });

  test('without a candidate it is refused, with the reason for each node', async () => {
    const standbys = await cluster().standbys();
    const term = await cluster().term();
    for (const { name } of standbys)
      await cluster().run('set', 'node', 'candidate-priority', '--name', name, '0');
    const best = await cluster().pgbaton(['perform', 'switchover']);
    assert.equal(best.exitCode, 4, best.stderr);
    assert.match(best.stderr, /no standby can take over/);
    const named = await cluster().pgbaton(['perform', 'switchover', '--name', standbys[0]?.name ?? '']);
    assert.equal(named.exitCode, 4, named.stderr);
    assert.match(named.stderr, /candidate priority is 0/);
    assert.match(await cluster().run('why'), /candidate priority is 0/);
    for (const { name } of standbys)
      await cluster().run('set', 'node', 'candidate-priority', '--name', name, '50');
    assert.equal(await cluster().term(), term);
    await cluster().assertWhole();
  });

  test('the target dies in the middle: somebody else takes over, and nothing is lost', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const target = await cluster().standby();
    await target.killKeeper();
    await cluster().startKeeper(target, { PGBATON_CRASH_AT: 'before promote' });
    await cluster().settled({ nodes: 3 });
    const term = await cluster().term();
    await cluster().run('perform', 'switchover', '--name', target.name, '--no-wait');
    assert.equal(await target.keeper().end(), 'SIGKILL');
    await target.killAllOfPostgres();
    await cluster().newPrimary(term + 1);
    await clients.progress();
    assert.notEqual((await cluster().primary()).name, target.name);
    target.startKeeper();
    await cluster().assertWhole(clients, { nodes: 3 });
  });

  test('the old primary hangs in its shutdown: the switchover is undone, and the group becomes whole again', async () => {
    await cluster().client.updateSettings('default', { handover_ms: 2_000 });
    const clients = await cluster().startClients();
    await clients.progress();
    const old = await cluster().primary();
    const pid = old.postmasterPid();
    process.kill(pid, 'SIGSTOP');
    try {
      const { exitCode, stderr } = await cluster().pgbaton(['perform', 'switchover']);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /did not shut down within/);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await clients.progress();
    await cluster().assertWhole(clients, { nodes: 3 });
  });
});
