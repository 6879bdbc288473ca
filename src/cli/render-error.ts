import type { BatonError } from '../lib/baton-error.ts';

/**
 * An error as psql shows one: the message, then DETAIL and HINT on lines of
 * their own. `verbose` adds the code and what lies beneath.
 */
export function renderError(error: BatonError, options: { readonly verbose: boolean }): string {
  const lines = [`pgbaton: ${error.message}`];
  if (error.detail !== undefined) lines.push(`DETAIL:  ${error.detail}`);
  if (error.hint !== undefined) lines.push(`HINT:  ${error.hint}`);
  if (error.code === 'BATON_INTERNAL') {
    lines.push(
      'HINT:  This is a fault of pgbaton. Please report it with the output of the same command with --verbose.',
    );
  }
  if (options.verbose) lines.push(`CODE:  ${error.code}`, ...renderCauses(error));
  return `${lines.join('\n')}\n`;
}

function renderCauses(error: Error): readonly string[] {
  const lines: string[] = [];
  if (error.stack !== undefined) lines.push(error.stack);
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by: ${cause.stack ?? cause.message}`);
  }
  return lines;
}
