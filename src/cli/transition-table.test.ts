import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNodeView, aPrimaryView } from '../../test/support/a-node-view.ts';
import { createTransitionTable } from './transition-table.ts';

const at = new Date(2026, 10, 20, 19, 6, 43, 120);

test('transitions are shown as a table that grows, with its header before the first row', () => {
  const table = createTransitionTable([aPrimaryView(), aNodeView()]);
  const first = table.linesFor({ at, node: aPrimaryView({ assigned_state: 'draining' }) });
  const second = table.linesFor({ at, node: aNodeView({ assigned_state: 'prepare_promotion' }) });
  assert.equal(
    [...first, ...second].join('\n'),
    `        Time |   Name |  Node |      Host:Port |       Current State |      Assigned State
-------------+--------+-------+----------------+---------------------+--------------------
19:06:43.120 | node_1 |     1 | localhost:5001 |             primary |            draining
19:06:43.120 | node_2 |     2 | localhost:5002 |           secondary |   prepare_promotion`,
  );
});

test('a node whose states are those known already is not shown', () => {
  const table = createTransitionTable([aNodeView()]);
  assert.deepEqual(table.linesFor({ at, node: aNodeView({ lsn: '0/4000000' }) }), []);
  assert.equal(table.linesFor({ at, node: aNodeView({ reported_state: 'demoted' }) }).length, 3);
  assert.deepEqual(table.linesFor({ at, node: aNodeView({ reported_state: 'demoted' }) }), []);
});
