import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLazily } from './lazy-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { StoreReplaced } from './store-replaced.ts';
import type { Store } from './store.ts';

const CALL = { timeoutMs: 1_000 };

test('a store that was replaced by another one is opened anew by the next call', async () => {
  const made: Store[] = [];
  let isReplaced = false;
  await using lazy = openLazily(() => {
    const memory = createMemoryStore();
    const isFirst = made.length === 0;
    made.push({
      ...memory,
      get: (key, call) =>
        isFirst && isReplaced
          ? Promise.reject(new StoreReplaced('it is another one', {}))
          : memory.get(key, call),
    });
    return Promise.resolve(made.at(-1) ?? memory);
  });
  await lazy.swap({ changes: [{ key: 'a', expected: null, value: 'of the first' }] }, CALL);
  assert.equal((await lazy.get('a', CALL))?.value, 'of the first');
  const before = lazy.incarnation;
  isReplaced = true;
  await assert.rejects(lazy.get('a', CALL), StoreReplaced);
  assert.equal(await lazy.get('a', CALL), undefined);
  assert.equal(made.length, 2);
  assert.notEqual(lazy.incarnation, before);
});
