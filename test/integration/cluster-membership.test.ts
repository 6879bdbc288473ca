import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sharedCluster } from '../support/test-cluster.ts';

describe('who takes part, from one node to three and back', () => {
  const cluster = sharedCluster({ nodes: 1 });

  test('a node that is added while writes run becomes a standby, and commits stand on it', async () => {
    assert.equal((await cluster().state())[0]?.reported_state, 'single');
    const clients = await cluster().startClients();
    await clients.progress();
    await clients.watch(await cluster().addNode());
    await cluster().settled({ nodes: 2 });
    assert.match(await cluster().run('show', 'standby-names'), /^'ANY 1 \("pgbaton_2@1"\)'$/m);
    await cluster().assertWhole(clients, { nodes: 2 });
  });

  test('the standby of a pair is lost: the primary goes on alone, and takes it back when it comes', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    const standby = await cluster().standby();
    const primary = await cluster().primary();
    await Promise.all([standby.killKeeper(), standby.killAllOfPostgres()]);
    await cluster().waitUntilNode(
      primary,
      'the primary to go on alone',
      (view) => view.reported_state === 'wait_primary',
    );
    await clients.progress();
    assert.equal((await cluster().run('show', 'standby-names')).trim(), `''`);
    standby.startKeeper();
    await cluster().waitUntilNode(primary, 'the pair', (view) => view.reported_state === 'primary');
    await cluster().assertWhole(clients, { nodes: 2 });
  });

  test('a third node is added while writes run', async () => {
    const clients = await cluster().startClients();
    await clients.progress();
    await clients.watch(await cluster().addNode());
    await cluster().settled({ nodes: 3 });
    assert.match(await cluster().run('show', 'standby-names'), /^'ANY 1 \("pgbaton_2@1", "pgbaton_3@1"\)'$/m);
    await cluster().assertWhole(clients, { nodes: 3 });
  });

  test('a node of candidate priority 0 is never promoted', async () => {
    const clients = await cluster().startClients();
    const [never, other] = await cluster().standbys();
    assert(never !== undefined && other !== undefined);
    await cluster().run('set', 'node', 'candidate-priority', '--name', never.name, '0');
    assert.equal(
      (await cluster().run('get', 'node', 'candidate-priority', '--name', never.name)).trim(),
      '0',
    );
    const term = await cluster().term();
    await (await cluster().primary()).killPostgres();
    await cluster().settled({ nodes: 3, afterTerm: term });
    assert.equal((await cluster().primary()).name, other.name);
    await cluster().run('set', 'node', 'candidate-priority', '--name', never.name, '50');
    await cluster().assertWhole(clients);
  });

  test('a node outside of the replication quorum is a standby, no voter and no candidate', async () => {
    const standby = await cluster().standby();
    await cluster().run('set', 'node', 'replication-quorum', '--name', standby.name, 'false');
    const { record } = await cluster().settled({ nodes: 3 });
    const id = record.nodes.find(({ name }) => name === standby.name)?.id;
    assert.doesNotMatch(await cluster().run('show', 'standby-names'), new RegExp(`"pgbaton_${id}@`));
    const refused = await cluster().pgbaton(['perform', 'switchover', '--name', standby.name]);
    assert.equal(refused.exitCode, 4, refused.stderr);
    assert.match(refused.stderr, /replication quorum/);
    await cluster().run('set', 'node', 'replication-quorum', '--name', standby.name, 'true');
    await cluster().settled({ nodes: 3 });
    assert.match(await cluster().run('show', 'standby-names'), new RegExp(`"pgbaton_${id}@`));
  });

  test('more synchronous standbys than the group can spare are refused', async () => {
    const set = ['set', 'formation', 'number-sync-standbys'];
    const refused = await cluster().pgbaton([...set, '2']);
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /needs 3 standbys/);
    await cluster().run(...set, '1');
    assert.equal((await cluster().run('get', 'formation', 'number-sync-standbys')).trim(), '1');
  });

  test('a standby in maintenance is left alone, and follows again afterwards', async () => {
    const clients = await cluster().startClients();
    const standby = await cluster().standby();
    await cluster().run('set', 'formation', 'number-sync-standbys', '0');
    await cluster().run('enable', 'maintenance', '--name', standby.name);
    await cluster().waitUntilNode(
      standby,
      'its maintenance',
      (view) => view.reported_state === 'maintenance' && view.assigned_state === 'maintenance',
    );
    await standby.killPostgres();
    await cluster().waitUntilNode(
      standby,
      'its PostgreSQL to be missed',
      ({ connection }) => connection === 'none',
    );
    await clients.progress(100);
    assert.equal(standby.postmaster(), undefined, 'nobody starts it');
    await cluster().run('disable', 'maintenance', '--name', standby.name);
    await cluster().assertWhole(clients, { nodes: 3 });
    assert((await cluster().state()).every((view) => view.reported_state !== 'maintenance'));
  });

  test('the primary hands over before its maintenance, if that is allowed', async () => {
    const clients = await cluster().startClients();
    const primary = await cluster().primary();
    const refused = await cluster().pgbaton(['enable', 'maintenance', '--name', primary.name]);
    assert.equal(refused.exitCode, 4, refused.stderr);
    assert.match(refused.stderr, /--allow-failover/);
    await cluster().run('enable', 'maintenance', '--name', primary.name, '--allow-failover');
    assert.notEqual((await cluster().primary()).name, primary.name);
    await cluster().waitUntilNode(
      primary,
      'its maintenance',
      (view) => view.reported_state === 'maintenance',
    );
    await clients.progress();
    await cluster().run('disable', 'maintenance', '--name', primary.name);
    await cluster().assertWhole(clients, { nodes: 3 });
    assert((await cluster().state()).every((view) => view.reported_state !== 'maintenance'));
  });

  test('a node that is gone for good is dropped by force from elsewhere', async () => {
    const clients = await cluster().startClients();
    const dead = await cluster().standby();
    await Promise.all([dead.killKeeper(), dead.killAllOfPostgres()]);
    await cluster().run('drop', 'node', '--force', '--name', dead.name);
    assert((await cluster().state()).every(({ name }) => name !== dead.name));
    await cluster().assertWhole(clients, { nodes: 2 });
  });

  test('a standby that is dropped on its machine lets go, and its files are removed', async () => {
    const clients = await cluster().startClients();
    const standby = await cluster().standby();
    const others = join(cluster().directory, 'not-of-pgbaton');
    writeFileSync(others, '');
    await cluster().run('drop', 'node', '--destroy', '--pgdata', standby.pgdata);
    assert.equal(await standby.keeper().end(), 0);
    assert.deepEqual([standby.pgdata, standby.stateDirectory, others].map(existsSync), [false, false, true]);
    await cluster().assertWhole(clients, { nodes: 1 });
    assert.equal((await cluster().state())[0]?.reported_state, 'single');
  });

  test('a primary that is dropped hands over first', async () => {
    await cluster().addNode({ name: 'late' });
    await cluster().settled({ nodes: 2 });
    const clients = await cluster().startClients();
    const primary = await cluster().primary();
    await cluster().run('drop', 'node', '--name', primary.name);
    assert.equal(await primary.keeper().end(), 0);
    assert.equal(primary.postmaster(), undefined);
    assert.equal((await cluster().primary()).name, 'late');
    await cluster().assertWhole(clients, { nodes: 1 });
  });

  test('the last node is dropped, and the formation is free for another database', async () => {
    const last = await cluster().primary();
    await cluster().run('drop', 'node', '--destroy', '--pgdata', last.pgdata);
    assert.equal(await last.keeper().end(), 0);
    assert.deepEqual(await cluster().state(), []);
    await cluster().addNode({ name: 'first-again' });
    await cluster().assertWhole(undefined, { nodes: 1 });
  });
});
