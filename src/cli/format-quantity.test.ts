import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatClock, formatDuration, formatTimestamp, listNames } from './format-quantity.ts';

test('durations are as exact as a person wants them', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0.4, '0 ms'],
    [412, '412 ms'],
    [1_340, '1.3 s'],
    [61_000, '61 s'],
    [12 * 60_000, '12 min'],
    [5 * 3_600_000, '5 h'],
    [72 * 3_600_000, '3 days'],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test('bytes are counted in powers of 1024', () => {
  assert.equal(formatBytes(0), '0 bytes');
  assert.equal(formatBytes(1536), '1.5 kB');
  assert.equal(formatBytes(16 * 1024 * 1024), '16.0 MB');
  assert.equal(formatBytes(5 * 1024 ** 4), '5.0 TB');
});

test('times are those of the clock on the wall', () => {
  const at = new Date(2026, 10, 20, 9, 5, 3, 42);
  assert.equal(formatClock(at), '09:05:03.042');
  assert.equal(formatTimestamp(at), '2026-11-20 09:05:03');
});

test('names are listed as in a sentence', () => {
  assert.equal(listNames(['a']), '"a"');
  assert.equal(listNames(['a', 'b', 'c']), '"a", "b" and "c"');
});
