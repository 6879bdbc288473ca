import { Option, type Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseCount, parseName, withMonitor, type MonitorOptions } from './options.ts';

interface Options extends MonitorOptions {
  readonly formation: string;
  readonly kind: 'pgsql';
  readonly dbname: string;
  readonly numberSyncStandbys?: number;
}

/** `pgbaton create formation`: room for another set of nodes on the same monitor. */
export function createFormationCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'formation',
    'make room for another set of nodes on the same monitor',
    'pgbaton create formation --formation f3 --kind pgsql --dbname app',
  );
  return withMonitor(command)
    .requiredOption('--formation <name>', 'name of the new formation', parseName)
    .addOption(new Option('--kind <kind>', 'what its nodes are').choices(['pgsql']).default('pgsql'))
    .option('--dbname <name>', 'database that its applications use', 'postgres')
    .option(
      '--number-sync-standbys <number>',
      'standbys that must have a commit (default: chosen from their number)',
      parseCount,
    )
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client }) => {
          const formation = await client.createFormation({
            name: options.formation,
            kind: options.kind,
            dbname: options.dbname,
            ...(options.numberSyncStandbys === undefined
              ? {}
              : { number_sync_standbys: options.numberSyncStandbys }),
          });
          ui.show(
            formation,
            () => `Formation "${formation.name}" is made, for database "${formation.dbname}".\n`,
          );
          ui.note(`HINT:  Add nodes to it with "pgbaton create postgres --formation ${formation.name}".`);
        });
      }),
    );
}
