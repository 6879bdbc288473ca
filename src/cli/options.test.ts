import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Name } from '../api/fields.ts';
import { parseBoolean, parseName, parseRate, parseSeconds } from './options.ts';

function accepts(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

test('a name is accepted here when the monitor accepts it', () => {
  const names = [
    'a',
    'node_1',
    'A.b-c',
    '_x',
    '',
    '-x',
    '.x',
    'a b',
    'ä',
    'a/b',
    'x'.repeat(63),
    'x'.repeat(64),
  ];
  for (const name of names) assert.equal(accepts(parseName, name), Name.safeParse(name).success, name);
});

test('booleans are read as PostgreSQL reads them', () => {
  for (const text of ['true', 'on', 'YES', '1']) assert.equal(parseBoolean(text), true);
  for (const text of ['false', 'Off', 'no', '0']) assert.equal(parseBoolean(text), false);
  assert.equal(accepts(parseBoolean, 'maybe'), false);
});

test('seconds may have a fraction and must be few enough for a timer', () => {
  assert.equal(parseSeconds('0.5'), 0.5);
  for (const text of ['', '-1', 'NaN', '1e9', '86401'])
    assert.equal(accepts(parseSeconds, text), false, text);
});

test('a backup rate is one that pg_basebackup takes', () => {
  assert.equal(parseRate('100M'), '100M');
  for (const text of ['100MB', 'M', '-1', '1 M']) assert.equal(accepts(parseRate, text), false, text);
});
