import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatonError } from './baton-error.ts';
import { createLineState } from './line-state.ts';

test('that a line is lost or there again is told once a change, and silence counts from the last word', () => {
  let now = 1_000;
  const told: (string | undefined)[] = [];
  const line = createLineState({ nowMs: () => now, onLine: (error) => told.push(error?.message) });
  line.heard();
  line.heard();
  assert.deepEqual(told, []);
  now += 70;
  line.lost(new BatonError('BATON_TIMEOUT', 'no answer'));
  line.lost(new Error('still none'));
  assert.equal(line.silentMs(), 70);
  line.heard();
  assert.deepEqual(told, ['no answer', undefined]);
  assert.equal(line.silentMs(), 0);
});

test('a line that never was is told as lost', () => {
  const told: (string | undefined)[] = [];
  const line = createLineState({ nowMs: () => 0, onLine: (error) => told.push(error?.code) });
  line.lost(new BatonError('BATON_UNREACHABLE', 'nobody there'));
  assert.deepEqual(told, ['BATON_UNREACHABLE']);
});
