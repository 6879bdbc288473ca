import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeExistingServer } from '../support/existing-server.ts';
import { cleanEnvironment } from '../support/cluster-process.ts';
import { freePort } from '../support/free-port.ts';
import { sharedCluster } from '../support/test-cluster.ts';

describe("the operator's walk: two formations on one monitor", () => {
  const cluster = sharedCluster({ nodes: 2 });

  /** What `psql` says when it looks for the server that takes writes. */
  async function psql(formation: string, sql: string): Promise<string> {
    const uri = (await cluster().run('show', 'uri', '--formation', formation)).trim();
    return execFileSync('psql', ['-d', uri, '-U', 'postgres', '-X', '-A', '-t', '-c', sql], {
      env: cleanEnvironment(),
      encoding: 'utf8',
      timeout: 30_000,
    }).trim();
  }

  async function assertPsqlFindsPrimary(formation: string): Promise<void> {
    const { port } = await cluster().primary(formation);
    assert.equal(await psql(formation, 'select inet_server_port(), pg_is_in_recovery()'), `${port}|f`);
  }

  test('a unit for systemd is printed, and nothing else with it', async () => {
    const { pgdata } = cluster().node(1);
    const unit = await cluster().run('-q', 'show', 'systemd', '--pgdata', pgdata);
    assert.match(unit, /^\[Unit\]\n/);
    assert.match(unit, /\nKillMode=process\n/);
    assert.match(unit, new RegExp(`PGDATA=${pgdata}`));
    assert.match(unit, /\nExecStart="?.*\/bin\/pgbaton"? run\n/);
  });

  test('a second formation takes over a server with its data, and copies it', async () => {
    await cluster().run(...'create formation --formation f3 --kind pgsql --dbname app'.split(' '));
    const pgdata = join(cluster().directory, 'node3');
    const existing = await makeExistingServer(pgdata, await freePort());
    existing.start();
    const node3 = await cluster().newNode({ ...existing, name: 'node3', formation: 'f3' });
    await node3.sql('create database app');
    await node3.sql('create table kept as select 42 as answer', 'app');
    node3.create();
    await cluster().settled({ formation: 'f3', nodes: 1 });
    const node4 = await cluster().addNode({ name: 'node4', formation: 'f3' });
    await cluster().settled({ formation: 'f3', nodes: 2 });
    assert.equal(await psql('f3', 'select answer from kept'), '42');
    assert.deepEqual(await node4.sql('select answer from kept', 'app'), [{ answer: 42 }]);
    await assertPsqlFindsPrimary('default');
    await assertPsqlFindsPrimary('f3');
  });

  test('maintenance of the standby and of the primary of one formation', async () => {
    await cluster().run('enable', 'maintenance', '--name', 'node4', '--formation', 'f3');
    await cluster().run('disable', 'maintenance', '--name', 'node4', '--formation', 'f3');
    await cluster().settled({ formation: 'f3', nodes: 2 });
    const primary = await cluster().primary('f3');
    const maintenance = ['maintenance', '--name', primary.name, '--formation', 'f3'];
    await cluster().run('enable', ...maintenance, '--allow-failover');
    await assertPsqlFindsPrimary('f3');
    assert.notEqual((await cluster().primary('f3')).name, primary.name);
    await cluster().run('disable', ...maintenance);
    await cluster().settled({ formation: 'f3', nodes: 2 });
  });

  test('the primary, the standby and the monitor fail, one after the other', async () => {
    const term = await cluster().term();
    await (await cluster().primary()).killPostgres();
    await cluster().settled({ nodes: 2, afterTerm: term });
    await assertPsqlFindsPrimary('default');

    const standby = await cluster().standby();
    await standby.killPostgres();
    await cluster().waitUntilNode(
      standby,
      'its PostgreSQL to be missed',
      (view) => view.reported_state !== 'secondary',
    );
    await cluster().settled({ nodes: 2 });

    await cluster().monitor.kill();
    await cluster().monitor.start();
    await cluster().settled({ nodes: 2 });
    await assertPsqlFindsPrimary('default');
  });

  test('a node of the second formation is dropped by name, and the other goes on alone', async () => {
    await cluster().run(...'drop node --destroy --force --name node3 --formation f3'.split(' '));
    await cluster().settled({ formation: 'f3', nodes: 1 });
    assert.equal((await cluster().primary('f3')).name, 'node4');
    assert.equal(await psql('f3', 'select answer from kept'), '42');
    await assertPsqlFindsPrimary('default');
    await cluster().assertWhole(undefined, { nodes: 2 });
  });
});
