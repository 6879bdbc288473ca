import type { Command } from 'commander';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { requireDataDirectory, requireLocalConfig } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withDataDirectory } from './options.ts';

/** `pgbaton reload`: lets a running keeper or monitor read its configuration again. */
export function reloadCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'reload',
    'let the running keeper or monitor read its configuration again',
    'pgbaton reload --pgdata ./node_1',
  );
  return withDataDirectory(command).action(
    act<{ readonly pgdata?: string }>(async ({ options, ui }) => {
      const local = await requireLocalConfig(requireDataDirectory(context, options));
      const pid = await context.services.readPidFile(local.files.pidFile);
      if (pid === undefined || !context.services.sendSignal(pid, 'SIGHUP')) {
        throw new BatonError('BATON_NOT_RUNNING', `pgbaton does not run for "${local.dataDirectory}"`);
      }
      ui.show({ reloaded: pid }, () => `pgbaton (pid ${pid}) was told to read its configuration.\n`);
    }),
  );
}
