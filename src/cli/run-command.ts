import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { localRole, noConfig, requireDataDirectory } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withDataDirectory } from './options.ts';
import { runService } from './run-service.ts';

/** `pgbaton run`: the keeper or the monitor of a directory, in the foreground. */
export function runCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'run',
    'run the keeper or the monitor of a directory, in the foreground until Ctrl-C',
    'pgbaton run --pgdata ./node_1',
  );
  return withDataDirectory(command).action(
    act<{ readonly pgdata?: string }>(async ({ options, ui }) => {
      const dataDirectory = requireDataDirectory(context, options);
      const role = localRole(dataDirectory);
      if (role === undefined) throw noConfig(dataDirectory);
      const { services } = context;
      await runService(context, ui, () =>
        role === 'monitor' ? services.runMonitor(dataDirectory) : services.runNode(dataDirectory),
      );
    }),
  );
}
