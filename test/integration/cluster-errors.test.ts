import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sharedCluster } from '../support/test-cluster.ts';

describe('what cannot work is refused, and the message says why', () => {
  const cluster = sharedCluster({ nodes: 2, monitorAuth: 'token' });

  test('a second keeper for the same data directory is refused, and the first goes on', async () => {
    const node = cluster().node(1);
    const { exitCode, stderr } = await cluster().pgbaton(['run', '--pgdata', node.pgdata]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /pgbaton runs for this directory already/);
    assert.match(stderr, new RegExp(`Its pid is ${node.keeper().pid} `));
    await cluster().assertWhole();
  });
});
