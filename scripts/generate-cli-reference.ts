/** Writes docs/reference/cli.md from the commands; `--check` only compares. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { CliContext } from '../src/cli/cli-context.ts';
import { createProgram } from '../src/cli/program.ts';
import { renderCliReference } from '../src/cli/render-cli-reference.ts';

const file = join(resolve(import.meta.dirname, '..'), 'docs/reference/cli.md');

// The tree is only looked at: nothing of the context is ever used.
const program = createProgram({} as CliContext, { exitCode: 0 });
const text = await format(renderCliReference(program), {
  ...(await resolveConfig(file)),
  parser: 'markdown',
});

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/reference/cli.md is not current: run "npm run docs:cli"');
    process.exitCode = 1;
  }
} else {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
