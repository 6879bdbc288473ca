import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closestWord } from './closest-word.ts';

test('a slip of the finger finds its word, a strange word finds none', () => {
  const words = ['data_directory', 'port', 'hostname'];
  assert.equal(closestWord('data_directori', words), 'data_directory');
  assert.equal(closestWord('prt', words), 'port');
  assert.equal(closestWord('hostnmae', words), 'hostname');
  assert.equal(closestWord('colour', words), undefined);
  assert.equal(closestWord('', words), undefined);
});
