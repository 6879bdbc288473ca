import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { duration, listOf, wholeNumber, wholeNumbers } from './command-line.ts';

test('a number is whole and large enough, and a list has known names only', () => {
  assert.equal(wholeNumber()('0'), 0);
  assert.equal(duration('0.5'), 0.5);
  assert.deepEqual(wholeNumbers(1)('3,20'), [3, 20]);
  assert.deepEqual(listOf('fault', ['a', 'b'])('b,a'), ['b', 'a']);
  assert.deepEqual(listOf('fault', ['a'])(''), []);
  for (const text of ['', '-1', '1.5', 'x', '0'])
    assert.throws(() => wholeNumber(1)(text), InvalidArgumentError, text);
  for (const text of ['', '0', '-1', 'x']) assert.throws(() => duration(text), InvalidArgumentError, text);
  assert.throws(() => wholeNumbers(1)('3,'), InvalidArgumentError);
  assert.throws(() => listOf('fault', ['a', 'b'])('c'), /There is no fault "c"; there are a, b/);
});

test('wrong usage is a sentence and exit code 2, and --help tells the options', () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../sim/search/main.ts'), ...args], {
      encoding: 'utf8',
    });
  const wrong = run('--cut', '1');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^error: unknown option '--cut'\n\(Did you mean --cuts\?\)\n$/);
  const help = run('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /Usage: npm run sim:search -- \[options\][^]*--cuts <count>/);
});
