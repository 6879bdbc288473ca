import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, emptyRecord } from '../src/core/group-record.ts';
import { createRandom } from './random.ts';
import { createVirtualStore, type VirtualStore } from './virtual-store.ts';

function aStore(): VirtualStore {
  return createVirtualStore(createRandom(3), emptyRecord('default', 0, DEFAULT_SETTINGS));
}

test('a swap is written on exactly the version that was read', () => {
  const store = aStore();
  const { version, record } = store.stored;
  assert.deepEqual(store.swap(version, { ...record, term: 7 }), { kind: 'written', version: version + 1 });
  assert.deepEqual(store.swap(version, { ...record, term: 8 }), { kind: 'conflict' });
  assert.equal(store.stored.record.term, 7);
});

test('a swap without an answer was written or not, and a later read tells which', () => {
  const store = aStore();
  store.lostReplies = 1;
  let written = 0;
  for (let i = 0; i < 100; i++) {
    const { version, record } = store.stored;
    assert.equal(store.swap(version, record).kind, 'unanswered');
    written += store.stored.version - version;
  }
  assert.ok(written > 20 && written < 80, `${written} of 100`);
  assert.deepEqual(store.read(), store.stored);
});

test('a store that is down does nothing, and a rival makes the version another one', () => {
  const store = aStore();
  const { record } = store.stored;
  store.isDown = true;
  assert.equal(store.swap(0, record).kind, 'unanswered');
  assert.ok('kind' in store.read());
  assert.equal(store.stored.version, 0);
  Object.assign(store, { isDown: false, rivals: 1 });
  assert.deepEqual(store.swap(0, record), { kind: 'conflict' });
  assert.equal(store.stored.version, 1);
});
