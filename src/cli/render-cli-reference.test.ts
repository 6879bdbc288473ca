import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { aCliContext } from '../../test/support/a-cli-context.ts';
import { createProgram } from './program.ts';
import { renderCliReference } from './render-cli-reference.ts';
import { examplesOf } from './new-command.ts';
import type { Command } from 'commander';

const program = createProgram(aCliContext(), { exitCode: 0 });

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

test('the reference in docs is current', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate-cli-reference.ts', '--check'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
});

test('every command has a sentence and an example that begins with its name', () => {
  for (const command of leaves(program)) {
    assert.ok(command.description().length > 10, command.name());
    assert.ok(examplesOf(command).length > 0, command.name());
    for (const example of examplesOf(command)) assert.ok(example.startsWith('pgbaton '), example);
  }
});

test('every error code has its place in the table of exit codes', () => {
  const text = renderCliReference(program);
  assert.match(text, /\| 4 \| .*`BATON_UNSAFE`/);
  assert.match(text, /\| 3 \| .*`BATON_UNREACHABLE`/);
});
