import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meanOf, summarise } from './statistics.ts';

test('the median of an even number of values lies between the two in the middle', () => {
  assert.deepEqual(summarise([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
});

test('the median of an odd number of values is the one in the middle', () => {
  assert.deepEqual(summarise([9, 1, 5]), { median: 5, min: 1, max: 9 });
});

test('the error of a mean is the deviation of one value over the square root of their number', () => {
  assert.deepEqual(meanOf([1, 3, 1, 3]), { mean: 2, standardError: Math.sqrt(4 / 3) / 2 });
});
