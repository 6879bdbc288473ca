import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSilenceWatch } from './silence-watch.ts';

function watch(maxGapMs?: number) {
  let nowMs = 5_000;
  const silences = createSilenceWatch(() => nowMs, maxGapMs);
  return (afterMs: number, signs: Readonly<Record<string, string>>): Readonly<Record<string, number>> => {
    nowMs += afterMs;
    return Object.fromEntries(silences(new Map(Object.entries(signs))));
  };
}

test('a source is silent for as long as its sign of life stays the same', () => {
  const look = watch();
  assert.deepEqual(look(0, { a: '1', b: '1' }), { a: 0, b: 0 });
  assert.deepEqual(look(700, { a: '1', b: '2' }), { a: 700, b: 0 });
  assert.deepEqual(look(500, { a: '1', b: '2' }), { a: 1_200, b: 500 });
  assert.deepEqual(look(100, { a: '2', b: '2' }), { a: 0, b: 600 });
});

test('a sign that goes back, as when a clock was set, is a sign of life too', () => {
  const look = watch();
  look(0, { a: '12:00:05' });
  assert.deepEqual(look(1_000, { a: '12:00:01' }), { a: 0 });
});

test('a source that was away begins anew', () => {
  const look = watch();
  look(0, { a: '1' });
  assert.deepEqual(look(900, {}), {});
  assert.deepEqual(look(100, { a: '1' }), { a: 0 });
});

test('who has not looked for long accuses nobody of that time', () => {
  const look = watch(1_500);
  look(0, { a: '1' });
  assert.deepEqual(look(1_500, { a: '1' }), { a: 1_500 });
  assert.deepEqual(look(1_501, { a: '1' }), { a: 0 });
  assert.deepEqual(look(1_000, { a: '1' }), { a: 1_000 });
});
