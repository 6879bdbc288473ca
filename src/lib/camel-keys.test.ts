import assert from 'node:assert/strict';
import { test } from 'node:test';
import { camelKeys, snakeKeys } from './camel-keys.ts';

test('keys change their case at every depth and back, values and lists stay', () => {
  const snake = { data_directory: '/a_b', ssl: { cert_file: null }, crash_window_ms: 1, hosts: ['a_b'] };
  const camel = camelKeys(snake);
  assert.deepEqual(camel, {
    dataDirectory: '/a_b',
    ssl: { certFile: null },
    crashWindowMs: 1,
    hosts: ['a_b'],
  });
  assert.deepEqual(snakeKeys(camel), snake);
});
