import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { sharedCluster } from '../support/test-cluster.ts';

describe('a group with passwords and a token', () => {
  const cluster = sharedCluster({ nodes: 2, auth: 'scram-sha-256', monitorAuth: 'token' });

  test('passwords and the token are in files that only their owner can read', () => {
    for (const { stateDirectory } of cluster().nodes) {
      for (const file of ['secrets.json', 'token'])
        assert.equal(statSync(join(stateDirectory, file)).mode & 0o777, 0o600, file);
      const secrets = JSON.parse(readFileSync(join(stateDirectory, 'secrets.json'), 'utf8')) as object;
      assert.deepEqual(Object.keys(secrets), ['keeperPassword', 'replicationPassword']);
    }
  });
});
