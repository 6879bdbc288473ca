import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { INNER_CRASH_POINTS, type CrashPoint } from '../../src/keeper/crash-point.ts';
import { makeExistingServer } from '../support/existing-server.ts';
import { freePort } from '../support/free-port.ts';
import { sharedCluster } from '../support/test-cluster.ts';

const FIRST_START: readonly CrashPoint[] = [
  'before initialise',
  'after initialise',
  'before start_primary',
  ...INNER_CRASH_POINTS.filter((point) => point.startsWith('inside start_primary:')),
  'after start_primary',
  'before write_marker',
  'after write_marker',
  'before open',
  'after open',
];

/** Each group is a formation of its own on one monitor. */
describe('the first keeper of a group is killed', { concurrency: 3 }, () => {
  const cluster = sharedCluster({ nodes: 0 });
  let groups = 0;

  async function newFormation(): Promise<string> {
    const formation = `f${(groups += 1)}`;
    await cluster().client.createFormation({ name: formation });
    return formation;
  }

  for (const point of FIRST_START) {
    test(`${point}: the next one makes the group`, async () => {
      const formation = await newFormation();
      const node = await cluster().newNode({ name: formation, formation });
      const first = node.create({ PGBATON_CRASH_AT: point });
      assert.equal(await first.end(), 'SIGKILL', `the keeper never came to "${point}"`);
      node.startKeeper();
      await cluster().assertWhole(undefined, { formation, nodes: 1 });
    });
  }

  for (const point of ['before adopt', 'after adopt'] as const) {
    test(`${point}: the next one adopts the server, which never stopped`, async () => {
      const formation = await newFormation();
      const existing = await makeExistingServer(join(cluster().directory, formation), await freePort());
      const node = await cluster().newNode({ ...existing, name: formation, formation });
      existing.start();
      await node.sql('create table kept as select 42 as answer');
      const postmaster = node.postmasterPid();
      const first = node.create({ PGBATON_CRASH_AT: point });
      assert.equal(await first.end(), 'SIGKILL', `the keeper never came to "${point}"`);
      node.startKeeper();
      await cluster().assertWhole(undefined, { formation, nodes: 1 });
      assert.equal(node.postmasterPid(), postmaster);
      assert.deepEqual(await node.sql('select answer from kept'), [{ answer: 42 }]);
    });
  }
});

describe('a node that is dropped', () => {
  const cluster = sharedCluster({ nodes: 3 });

  for (const [number, point] of [
    [3, 'before leave'],
    [2, 'after leave'],
  ] as const) {
    test(`its keeper is killed ${point}: the next one lets go`, async () => {
      const clients = await cluster().startClients();
      const node = cluster().node(number);
      await node.killKeeper();
      await cluster().startKeeper(node, { PGBATON_CRASH_AT: point });
      await cluster().run('drop', 'node', '--name', node.name, '--no-wait');
      assert.equal(await node.keeper().end(20_000), 'SIGKILL', `the keeper never came to "${point}"`);
      node.startKeeper();
      assert.equal(await node.keeper().end(20_000), 0, 'it ends when it has let go');
      assert.equal(node.postmaster(), undefined);
      await cluster().assertWhole(clients, { nodes: number - 1 });
    });
  }
});
