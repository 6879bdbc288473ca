import type { Command } from 'commander';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { requireDataDirectory, requireLocalConfig, type LocalConfig } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseSeconds, withDataDirectory } from './options.ts';
import { endProcess } from './signal-process.ts';

interface Options {
  readonly pgdata?: string;
  readonly fast?: true;
  readonly immediate?: true;
  readonly keepPostgres?: true;
  readonly wait: number;
}

/** `pgbaton stop`: ends the monitor, or the keeper and its PostgreSQL. */
export function stopCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'stop',
    'stop the monitor, or the keeper and the PostgreSQL, of a directory',
    'pgbaton stop --pgdata ./node_1',
    'pgbaton stop --keep-postgres',
  );
  return withDataDirectory(command)
    .option('--fast', 'end the sessions of clients (the default)')
    .option('--immediate', 'do not let PostgreSQL finish: it recovers at its next start')
    .option('--keep-postgres', 'stop only the keeper; PostgreSQL goes on without one')
    .option('--wait <seconds>', 'how long to wait until all has ended', parseSeconds, 60)
    .action(
      act<Options>(async ({ options, ui }) => {
        const local = await requireLocalConfig(requireDataDirectory(context, options));
        const pid = await context.services.readPidFile(local.files.pidFile);
        if (pid === undefined)
          return stopWithoutKeeper(context, options, local, (text) => ui.print(`${text}\n`));
        const progress = ui.progress(`pgbaton (pid ${pid}) is stopping`);
        try {
          await endProcess(context, pid, signalFor(options, local), options.wait * 1000);
        } finally {
          progress.stop();
        }
        ui.show({ stopped: pid }, () => `${describe(local, options)} (pid ${pid}) has stopped.\n`);
      }),
    );
}

/** What `run` makes of each signal stands in run-service.ts. */
function signalFor(options: Options, local: LocalConfig): NodeJS.Signals {
  if (local.role === 'monitor') return 'SIGTERM';
  if (options.keepPostgres) return 'SIGUSR2';
  return options.immediate ? 'SIGQUIT' : 'SIGTERM';
}

function describe(local: LocalConfig, options: Options): string {
  if (local.role === 'monitor') return 'The monitor';
  return options.keepPostgres ? 'The keeper, and not PostgreSQL,' : 'The keeper, with PostgreSQL,';
}

/** A PostgreSQL whose keeper was killed is stopped all the same. */
async function stopWithoutKeeper(
  context: CliContext,
  options: Options,
  local: LocalConfig,
  say: (text: string) => void,
): Promise<void> {
  const postmaster =
    local.role === 'postgres' ? await context.services.findPostmaster(local.dataDirectory) : undefined;
  if (local.role === 'monitor' || postmaster === undefined || options.keepPostgres) {
    throw new BatonError('BATON_NOT_RUNNING', `pgbaton does not run for "${local.dataDirectory}"`);
  }
  await context.services.stopPostgres(local.config, options.immediate ? 'immediate' : 'fast');
  say(`The keeper did not run; PostgreSQL (pid ${postmaster}) has stopped.`);
}
