import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from './random.ts';
import { makeSchedule } from './schedule.ts';
import { shrinkBy } from './shrink.ts';
import type { Scenario } from './scenario.ts';

const KINDS = ['one', 'two', 'three'];

function scenario(schedule: Scenario['schedule']): Scenario {
  return { seed: 1, nodes: 5, clients: 3, faultyMs: 300_000, schedule };
}

test('a schedule follows from its chance, in the order of time', () => {
  const first = makeSchedule(createRandom(5), KINDS, 100_000);
  assert.deepEqual(makeSchedule(createRandom(5), KINDS, 100_000), first);
  assert.deepEqual(
    first,
    first.toSorted((a, b) => a.atMs - b.atMs),
  );
  assert.ok(first.length > 0 && first.every(({ atMs }) => atMs < 100_000));
});

test('shrinking leaves only the faults that it takes, and no more nodes, clients and time than it takes', () => {
  const noise = makeSchedule(createRandom(9), ['noise'], 200_000);
  const needed = [
    { atMs: 40_000, kind: 'cause', seed: 1 },
    { atMs: 180_000, kind: 'trigger', seed: 2 },
  ];
  const schedule = [...noise, ...needed].toSorted((a, b) => a.atMs - b.atMs);
  const smallest = shrinkBy(scenario(schedule), ({ schedule: faults, nodes }) => {
    const kinds = faults.map(({ kind }) => kind);
    return nodes >= 3 && kinds.indexOf('cause') >= 0 && kinds.indexOf('cause') < kinds.indexOf('trigger');
  });
  assert.deepEqual(
    smallest.schedule.map(({ kind }) => kind),
    ['cause', 'trigger'],
  );
  assert.deepEqual([smallest.nodes, smallest.clients], [3, 1]);
  assert.ok(smallest.faultyMs < 10_000);
});
