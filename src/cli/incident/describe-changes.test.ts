import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../../test/support/a-group.ts';
import { describeChanges, describeRecordChanges } from './describe-changes.ts';

test('only what differs is told, with its way', () => {
  assert.deepEqual(describeChanges({ a: 1, b: { c: 'x', d: 2 } }, { a: 1, b: { c: 'y z', d: 2 } }), [
    'b.c: x → "y z"',
  ]);
  assert.deepEqual(describeChanges({ a: 1 }, { a: 1 }), []);
});

test('what was not there, and what is not there any more, is none', () => {
  assert.deepEqual(describeChanges({ intent: null }, { intent: { kind: 'failover', term: 4 } }), [
    'intent: none → {kind: failover, term: 4}',
  ]);
  assert.deepEqual(describeChanges({ a: 1 }, {}), ['a: 1 → none']);
});

test('members of a list are known by their id; of other lists it tells what came and went', () => {
  const [a, b] = [
    { id: 1, name: 'a', priority: 50 },
    { id: 2, name: 'b', priority: 50 },
  ];
  assert.deepEqual(
    describeChanges(
      { nodes: [a, b] },
      {
        nodes: [
          { ...b, priority: 7 },
          { ...a, id: 3 },
        ],
      },
    ),
    [
      'nodes: − {id: 1, name: a, priority: 50}',
      'nodes: + {id: 3, name: a, priority: 50}',
      'nodes[b].priority: 50 → 7',
    ],
  );
  assert.deepEqual(describeChanges({ past: [{ term: 1 }] }, { past: [{ term: 2 }, { term: 1 }] }), [
    'past: + {term: 2}',
  ]);
  assert.deepEqual(describeChanges({ cohort: [1, 2] }, { cohort: [1] }), ['cohort: [1, 2] → [1]']);
});

test('nodes of a record have their names', () => {
  const group = aGroup().withPrimary('a').withStandby('b');
  const after = group.withReign({ holder: 2 }).withRules({ cohort: [1], k: 0 });
  const before = aGroup().withPrimary('a').withStandby('b').record();
  assert.deepEqual(describeRecordChanges(before, after.record()), [
    'reign.holder: a → b',
    'rules: − {cohort: [a, b], k: 1}',
    'rules: + {cohort: [a], k: 0}',
  ]);
});
