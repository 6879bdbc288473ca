import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitLines } from './split-lines.ts';

async function* pieces(...texts: readonly string[]): AsyncGenerator<string, void, void> {
  for (const text of texts) yield await Promise.resolve(text);
}

async function collect(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

test('lines are whole wherever the stream was cut, and what has no end yet is none', async () => {
  const lines = await collect(splitLines(pieces('{"a":', '1}\n{"b":2}\n{"c"', ':3}\n{"d')));
  assert.deepEqual(lines, ['{"a":1}', '{"b":2}', '{"c":3}']);
});

test('a line without end does not fill the memory', async () => {
  const megabyte = 'x'.repeat(1024 * 1024);
  await assert.rejects(collect(splitLines(pieces(...Array<string>(17).fill(megabyte)))), {
    code: 'BATON_REFUSED',
  });
});
