import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS } from '../faults.ts';
import type { Scenario } from '../scenario.ts';
import { neighboursOf } from './neighbours.ts';

const SCENARIO: Scenario = {
  seed: 7,
  nodes: 3,
  clients: 2,
  faultyMs: 6_000,
  schedule: [
    { atMs: 100, kind: 'kill_keeper', seed: 1 },
    { atMs: 2_000, kind: 'failover', seed: 2 },
    { atMs: 5_000, kind: 'cut_pair', seed: 3 },
  ],
};

function firstNeighbours(seed: number): readonly Scenario[] {
  const neighbours = neighboursOf(SCENARIO, seed, ['promote_by_hand']);
  return Array.from({ length: 200 }, () => neighbours.next().value);
}

test('the same seed gives the same neighbours, and another one others', () => {
  assert.deepEqual(firstNeighbours(1), firstNeighbours(1));
  assert.notDeepEqual(firstNeighbours(1), firstNeighbours(2));
});

test('a neighbour can be run: its faults are known, in the order of time, and within the time for faults', () => {
  for (const { schedule, faultyMs } of firstNeighbours(1)) {
    const times = schedule.map(({ atMs }) => atMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(times.every((atMs) => Number.isInteger(atMs) && atMs >= 0 && atMs < faultyMs));
    assert.ok(schedule.every(({ kind }) => kind in FAULTS));
  }
});

test('neighbours keep most of a scenario: no fault is lost, and a few at most come in', () => {
  const neighbours = firstNeighbours(1);
  for (const { seed, nodes, schedule } of neighbours) {
    assert.deepEqual([seed, nodes], [SCENARIO.seed, SCENARIO.nodes]);
    const kinds = schedule.map(({ kind }) => kind);
    for (const { kind } of SCENARIO.schedule) assert.ok(kinds.includes(kind));
    assert.ok(schedule.length <= SCENARIO.schedule.length + 4);
  }
  assert.ok(neighbours.some(({ schedule }) => schedule.some(({ kind }) => kind === 'promote_by_hand')));
});
