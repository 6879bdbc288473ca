import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, parseStoreUri } from './open-store.ts';

test('the URI of a store names the members of etcd, and a prefix', () => {
  assert.deepEqual(parseStoreUri('etcd://a:1,b,[::1]:3/teams/one/'), {
    endpoints: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2379 },
      { host: '::1', port: 3 },
    ],
    prefix: 'teams/one',
  });
  assert.equal(parseStoreUri('etcd://a').prefix, 'pgbaton');
});

test('what is no URI of a store is refused, and a password in it is not repeated', () => {
  for (const uri of [
    'pgbaton://a:5000',
    'etcd://',
    'etcd://a:99999',
    'etcd://a,,b',
    'etcd://u:hunter2@a:1',
  ]) {
    assert.throws(
      () => openStore(uri),
      (error: Error & { code?: string }) =>
        error.code === 'BATON_USAGE' && !`${error.message}${error.stack}`.includes('hunter2'),
      uri,
    );
  }
});
