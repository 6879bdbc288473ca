import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../test/support/a-group.ts';
import { aGroupBody, anEvent } from '../../test/support/a-node-view.ts';
import type { NodeView } from '../api/schemas.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { inMaintenance, newReign, nodeGone, outOfMaintenance, type Progression } from './change-goal.ts';
import { withAnswer, type GroupState } from './group-state.ts';

const trio = () => aGroup().withPrimary('a').withStandby('b').withStandby('c');
const before = { term: 3, nodes: aGroupBody(trio().record(), 7).nodes };

function stateOf(
  record: GroupRecord,
  changes: Record<string, Partial<NodeView>> = {},
  version = 9,
): GroupState {
  return withAnswer(undefined, aGroupBody(record, version, changes));
}

function afterSwitchover(confirmed = true): GroupRecord {
  const record = trio().record();
  assert.ok(record.reign !== null);
  return { ...record, term: 4, reign: { ...record.reign, term: 4, holder: 2, confirmed } };
}

function missingOf(progression: Progression): string {
  assert.equal(progression.kind, 'waiting');
  return progression.kind === 'waiting' ? progression.missing.join('; ') : '';
}

test('a switchover is done when the new primary serves and everybody has found their place', () => {
  assert.equal(newReign(before)(stateOf(afterSwitchover()), 8).kind, 'done');
});

test('a switchover is not judged by a record from before it', () => {
  assert.match(missingOf(newReign(before)(stateOf(trio().record(), {}, 7), 8)), /yet to show/);
});

test('while a change is under way the command says what it waits for', () => {
  const record = trio().withIntent({ kind: 'handover', stage: 'drain' }).record();
  assert.match(missingOf(newReign(before)(stateOf(record), 8)), /"a" is to shut down/);
});

test('a new primary that is not confirmed does not end a switchover', () => {
  assert.match(missingOf(newReign(before)(stateOf(afterSwitchover(false)), 8)), /not acknowledged yet/);
});

test('an old primary that is still catching up keeps a switchover open', () => {
  const changes = { a: { reported_state: 'catchingup', assigned_state: 'catchingup' } };
  assert.match(missingOf(newReign(before)(stateOf(afterSwitchover(), changes), 8)), /"a" is catchingup/);
});

test('a node that was being copied before does not keep a switchover open', () => {
  const copying = { c: { reported_state: 'catchingup', assigned_state: 'catchingup' } };
  const earlier = { term: 3, nodes: aGroupBody(trio().record(), 7, copying).nodes };
  assert.equal(newReign(earlier)(stateOf(afterSwitchover(), copying), 8).kind, 'done');
});

test('a node whose keeper is silent does not keep a failover open', () => {
  const changes = {
    a: { reported_state: 'primary', assigned_state: 'secondary', connection: 'read-write!' },
  };
  assert.equal(newReign(before)(stateOf(afterSwitchover(), changes), 8).kind, 'done');
});

test('a switchover that was taken back says why', () => {
  const because = 'the switchover is undone: "a" did not shut down';
  const state = { ...stateOf(trio().record()), lastDecision: anEvent({ rule: 'undo_handover', because }) };
  assert.deepEqual(newReign(before)(state, 8), { kind: 'undone', because });
});

test('a node that is the primary already need not become it', () => {
  assert.equal(newReign(before, 1)(stateOf(trio().record()), 7).kind, 'done');
});

test('a change of the quorum that is under way keeps a command open', () => {
  const record = afterSwitchover();
  const joint = { ...record, rules: [...record.rules, { cohort: [1, 2], k: 1 }] };
  assert.match(missingOf(newReign(before)(stateOf(joint), 8)), /replication quorum/);
});

test('maintenance has begun when the node is there and the others are at rest', () => {
  const record = trio().record();
  const nodes = record.nodes.map((node) => (node.name === 'c' ? { ...node, maintenance: true } : node));
  const maintained = { ...record, nodes };
  const reached = { c: { reported_state: 'maintenance', assigned_state: 'maintenance' } };
  const onTheWay = { c: { reported_state: 'secondary', assigned_state: 'wait_maintenance' } };
  assert.equal(inMaintenance(before, 3)(stateOf(maintained, reached), 8).kind, 'done');
  assert.equal(inMaintenance(before, 3)(stateOf(maintained, onTheWay), 8).kind, 'waiting');
  assert.equal(inMaintenance(before, 3)(stateOf(record), 8).kind, 'undone');
});

test('maintenance has ended when the node is a standby that counts', () => {
  const maintained = {
    term: 3,
    nodes: aGroupBody(trio().record(), 7, { c: { assigned_state: 'maintenance' } }).nodes,
  };
  const catching = { c: { reported_state: 'catchingup', assigned_state: 'catchingup' } };
  assert.equal(outOfMaintenance(maintained, 3)(stateOf(trio().record(), catching), 8).kind, 'waiting');
  assert.equal(outOfMaintenance(maintained, 3)(stateOf(trio().record()), 8).kind, 'done');
});

test('a node is dropped when the record has it no more', () => {
  const record = trio().record();
  const dropping = record.nodes.map((node) =>
    node.id === 3 ? { ...node, dropping: 'asked' as const } : node,
  );
  const without = { ...record, nodes: record.nodes.filter((node) => node.id !== 3) };
  assert.match(
    missingOf(nodeGone(3)(stateOf({ ...record, nodes: dropping }), 8)),
    /leaving the replication quorum/,
  );
  assert.equal(nodeGone(3)(stateOf(without), 8).kind, 'done');
  assert.equal(nodeGone(3)(stateOf(record), 8).kind, 'undone');
});
