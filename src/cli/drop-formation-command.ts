import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseName, withMonitor, type MonitorOptions } from './options.ts';

interface Options extends MonitorOptions {
  readonly formation: string;
}

/** `pgbaton drop formation`: the monitor refuses one that still has nodes. */
export function dropFormationCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'formation',
    'remove a formation that has no nodes',
    'pgbaton drop formation --formation f3',
  );
  return withMonitor(command)
    .requiredOption('--formation <name>', 'which formation', parseName)
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client }) => {
          await client.dropFormation(options.formation);
          ui.show({ dropped: options.formation }, () => `Formation "${options.formation}" is dropped.\n`);
        });
      }),
    );
}
