import type { Command } from 'commander';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { withConnection } from './connect-monitor.ts';
import { destroyDirectories } from './destroy-directories.ts';
import { formatDuration } from './format-quantity.ts';
import { requireDataDirectory, requireLocalConfig, type LocalMonitor } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withDataDirectory } from './options.ts';
import { endProcess } from './signal-process.ts';

interface Options {
  readonly pgdata?: string;
  readonly destroy?: true;
  readonly force?: true;
}

const STOP_MS = 30_000;

/** `pgbaton drop monitor`: stops the monitor of a directory for good. */
export function dropMonitorCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'monitor',
    'stop the monitor of a directory; with --destroy: remove the directory',
    'pgbaton drop monitor --destroy --pgdata ./monitor',
  );
  return withDataDirectory(command)
    .option('--destroy', 'also remove the directory, with the records of all its groups')
    .option('--force', 'although nodes are still registered: their PostgreSQL goes on, without failover')
    .action(
      act<Options>(async ({ options, ui }) => {
        const directory = requireDataDirectory(context, options);
        const local = await requireLocalConfig(directory);
        if (local.role !== 'monitor') {
          throw new BatonError(
            'BATON_USAGE',
            `"${directory}" is the data directory of a node, not of a monitor`,
            {
              hint: '"pgbaton drop node" removes a node.',
            },
          );
        }
        const pid = await context.services.readPidFile(local.files.pidFile);
        if (pid !== undefined) {
          // Nothing depends on one that only observes.
          const decides = local.config.store.uri === null;
          if (decides && !options.force) await refuseWithNodes(context, local);
          const progress = ui.progress('the monitor is stopping');
          try {
            await endProcess(context, pid, 'SIGTERM', STOP_MS);
          } finally {
            progress.stop();
          }
        }
        if (options.destroy) destroyDirectories({ directories: [directory], marks: ['pgbaton.yaml'] });
        ui.show({ directory, destroyed: options.destroy === true }, () =>
          options.destroy
            ? `The monitor is dropped, and "${directory}" is removed.\n`
            : `The monitor is stopped. Its records are still in "${directory}"; --destroy removes them.\n`,
        );
      }),
    );
}

async function refuseWithNodes(context: CliContext, local: LocalMonitor): Promise<void> {
  let nodes = 0;
  try {
    const formations = await withConnection(context, { pgdata: local.dataDirectory }, ({ client }) =>
      client.listFormations({ timeoutMs: 5_000 }),
    );
    nodes = formations.reduce((sum, formation) => sum + formation.node_count, 0);
  } catch (error) {
    throw new BatonError(
      'BATON_UNSAFE',
      'the monitor runs, and could not be asked whether nodes depend on it',
      {
        detail: `${toBatonError(error).message} (asked for up to ${formatDuration(5_000)}).`,
        hint: 'Look at its log; --force drops it all the same.',
        cause: error,
      },
    );
  }
  if (nodes === 0) return;
  throw new BatonError(
    'BATON_UNSAFE',
    `${nodes} ${nodes === 1 ? 'node is' : 'nodes are'} still registered with this monitor`,
    {
      detail: 'Without it no failover happens, and its records can not be made again.',
      hint: 'Drop the nodes first ("pgbaton drop node"), or add --force.',
    },
  );
}
