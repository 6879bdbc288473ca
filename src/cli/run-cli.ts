import { CommanderError } from 'commander';
import { toErrorBody } from '../api/errors.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { EXIT, EXIT_CODE_OF } from './exit-codes.ts';
import type { Outcome } from './new-command.ts';
import { createProgram } from './program.ts';
import { renderError } from './render-error.ts';

/** Runs one command line (without the program's name) and resolves with its exit code; never rejects. */
export async function runCli(line: readonly string[], context: CliContext): Promise<number> {
  const outcome: Outcome = { exitCode: EXIT.done };
  try {
    await createProgram(context, outcome).parseAsync([...line], { from: 'user' });
    return outcome.exitCode;
  } catch (thrown) {
    // Help and version end in an "error" of exit code 0; help instead of a missing command is wrong usage.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.done;
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT.usage;
    const error = thrown instanceof CommanderError ? toUsageError(thrown) : toBatonError(thrown);
    context.stderr.write(present(error, line));
    return EXIT_CODE_OF[error.code];
  }
}

/** Asked of the words themselves: what could not be parsed has no options. */
function present(error: BatonError, line: readonly string[]): string {
  if (line.includes('--json')) return `${JSON.stringify(toErrorBody(error))}\n`;
  return renderError(error, { verbose: line.includes('--verbose') || line.includes('-v') });
}

/** "error: unknown option '--formaton'\n(Did you mean --formation?)" in the form of all other errors. */
function toUsageError(thrown: CommanderError): BatonError {
  const [first = '', second] = thrown.message.split('\n');
  const message = first
    .replace(/^error: /, '')
    .replaceAll("'", '"')
    .replace(/\.$/, '');
  const suggestion = second === undefined ? undefined : second.replace(/^\((.*)\)$/, '$1');
  return new BatonError('BATON_USAGE', message, {
    hint: suggestion ?? 'Add --help to the command to see what it takes.',
  });
}
