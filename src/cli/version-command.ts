import type { Command } from 'commander';
import { VERSION } from '../lib/version.ts';
import { newCommand, type Act } from './new-command.ts';

/** `pgbaton version`: this program, and what it runs on. */
export function versionCommand(act: Act): Command {
  return newCommand(
    'version',
    'show the version of pgbaton and of what it runs on',
    'pgbaton version --json',
  ).action(
    act<object>(async ({ ui }) => {
      const version = { pgbaton: VERSION, node: process.versions.node };
      ui.show(version, () => `pgbaton ${version.pgbaton} on Node ${version.node}\n`);
    }),
  );
}
