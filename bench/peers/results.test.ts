import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summariseResults, type Measurement } from './results.ts';

const measured = (write_gap_s: number, more: Partial<Measurement> = {}): Measurement => ({
  system: 'a',
  scenario: 'switchover',
  write_gap_s,
  lost: 0,
  split_brain_acks: 0,
  healed: true,
  ...more,
});

test('a repetition that has failed is counted, and has no part in the write gap', () => {
  const failure = 'the switchover was refused';
  const outcome = summariseResults([measured(1), measured(0.01, { failure }), measured(3)]).switchover?.a;
  assert.deepEqual(
    {
      gap: outcome?.write_gap_s,
      min: outcome?.write_gap_min_s,
      reps: outcome?.reps,
      with: outcome?.with_gap,
    },
    { gap: 2, min: 1, reps: 3, with: 2 },
  );
  assert.deepEqual(outcome?.failures, [failure]);
});

test('what was lost adds up over the repetitions', () => {
  const outcome = summariseResults([measured(1, { lost: 2 }), measured(1, { lost: 3, healed: false })]);
  assert.deepEqual([outcome.switchover?.a?.lost, outcome.switchover?.a?.healed], [5, 1]);
});
