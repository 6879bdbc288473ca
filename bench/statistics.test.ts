import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quartiles, summarise } from './statistics.ts';

test('the median of an even number of values lies between the two in the middle', () => {
  assert.deepEqual(summarise([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
});

test('the median of an odd number of values is the one in the middle', () => {
  assert.deepEqual(summarise([9, 1, 5]), { median: 5, min: 1, max: 9 });
});

test('half of the values lie between the quartiles', () => {
  assert.deepEqual(quartiles([8, 1, 7, 2, 6, 3, 5, 4]), { low: 2.5, median: 4.5, high: 6.5 });
});

test('the quartiles of one value are that value', () => {
  assert.deepEqual(quartiles([3]), { low: 3, median: 3, high: 3 });
});
