import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, TERM } from '../test/support/a-group.ts';
import { noteNames } from './record-checks.ts';

test('what a primary may wait for are the names of every rule in force', () => {
  const names = new Set<string>();
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c')
    .withRules({ cohort: [1, 2], k: 1 }, { cohort: [1], k: 0 });
  noteNames(names, group.record());
  assert.deepEqual([...names], [`ANY 1 ("pgbaton_2@${TERM}")`, '']);
});
