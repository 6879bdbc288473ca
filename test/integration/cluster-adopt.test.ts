import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ClusterNode } from '../support/cluster-node.ts';
import { makeExistingServer, type ExistingServer } from '../support/existing-server.ts';
import { freePort } from '../support/free-port.ts';
import { sharedCluster } from '../support/test-cluster.ts';

describe('data that is there already', { concurrency: 2 }, () => {
  const cluster = sharedCluster({ nodes: 0 });

  /** A server that somebody made, and the node that it is to become in a formation of its own. */
  async function newServer(
    formation: string,
    configuration?: readonly string[],
  ): Promise<{ readonly existing: ExistingServer; readonly node: ClusterNode }> {
    await cluster().run('create', 'formation', '--formation', formation);
    const pgdata = join(cluster().directory, formation);
    const existing = await makeExistingServer(pgdata, await freePort(), configuration);
    const node = await cluster().newNode({ ...existing, name: formation, formation });
    return { existing, node };
  }

  async function writeRows(node: ClusterNode): Promise<void> {
    await node.sql('create table kept (answer int); insert into kept select generate_series(1, 1000)');
  }

  async function assertRows(node: ClusterNode): Promise<void> {
    const [row] = await node.sql<{ count: string }>('select count(*) from kept');
    assert.equal(row?.count, '1000', `the rows of ${node.name}`);
  }

  test('a server that runs is adopted without a restart, and a standby is copied from it', async () => {
    const { existing, node } = await newServer('running');
    existing.start();
    await writeRows(node);
    const postmaster = node.postmasterPid();
    node.create();
    await cluster().settled({ formation: 'running', nodes: 1 });
    assert.equal(node.postmasterPid(), postmaster);
    await assertRows(node);
    const standby = await cluster().addNode({ name: 'running-standby', formation: 'running' });
    await cluster().assertWhole(undefined, { formation: 'running', nodes: 2 });
    assert.equal(node.postmasterPid(), postmaster, 'still the same process');
    await assertRows(standby);
  });

  test('a server that is stopped is adopted and started, with its data', async () => {
    const { existing, node } = await newServer('stopped');
    existing.start();
    await writeRows(node);
    existing.stop();
    node.create();
    await cluster().assertWhole(undefined, { formation: 'stopped', nodes: 1 });
    await assertRows(node);
  });

  test('a server that can not be replicated without a restart is left alone, and the reason is named', async () => {
    const { existing, node } = await newServer('minimal', ['wal_level = minimal', 'max_wal_senders = 0']);
    existing.start();
    await writeRows(node);
    const postmaster = node.postmasterPid();
    node.create();
    const { nodes } = await cluster().waitUntil('the reason', ({ nodes: [view] }) => view?.problem != null, {
      formation: 'minimal',
    });
    assert.match(nodes[0]?.problem ?? '', /wal_level/);
    assert.match(nodes[0]?.problem ?? '', /max_wal_senders/);
    assert.equal(node.postmasterPid(), postmaster);
    await assertRows(node);
    await node.killKeeper();
    existing.stop();
  });

  test('data of another system never joins a group', async () => {
    const { existing, node } = await newServer('ours');
    existing.start();
    node.create();
    await cluster().settled({ formation: 'ours', nodes: 1 });
    const foreign = await makeExistingServer(join(cluster().directory, 'foreign'), await freePort());
    const stranger = await cluster().newNode({ ...foreign, name: 'stranger', formation: 'ours' });
    const { exitCode, stderr } = await cluster().pgbaton(stranger.createCommand);
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /has system identifier \d+, the group has \d+/);
    assert.match(stderr, /HINT: .*empty data directory/);
    await cluster().assertWhole(undefined, { formation: 'ours', nodes: 1 });
  });

  test('a directory with anything else in it is refused, and left as it is', async () => {
    await cluster().run('create', 'formation', '--formation', 'full');
    const pgdata = join(cluster().directory, 'full');
    mkdirSync(pgdata, { mode: 0o700 });
    writeFileSync(join(pgdata, 'photos.txt'), 'of the last summer');
    const node = await cluster().newNode({ name: 'full', formation: 'full', pgdata });
    const { exitCode, stderr } = await cluster().pgbaton(node.createCommand);
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /is not empty and not a PostgreSQL data directory/);
    assert.match(stderr, /photos\.txt/);
    assert.deepEqual(readdirSync(pgdata), ['photos.txt']);
    const { nodes } = await cluster().group('full');
    assert.deepEqual(nodes, [], 'nothing was registered');
  });
});
