import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeOf } from './node-home.ts';

const NONE = { uri: null, tokenFile: null };

test('a node has one home: a monitor or a store', () => {
  const monitor = { uri: 'pgbaton://m:5000', tokenFile: '/t' };
  const store = { uri: 'etcd://e:2379', tokenFile: '/t' };
  assert.deepEqual(homeOf({ monitor, store: NONE }), { kind: 'monitor', ...monitor });
  assert.deepEqual(homeOf({ monitor: NONE, store }), { kind: 'store', ...store });
  for (const both of [
    { monitor, store },
    { monitor: NONE, store: NONE },
  ]) {
    assert.throws(() => homeOf(both), { code: 'BATON_CONFIG_INVALID' });
  }
});
