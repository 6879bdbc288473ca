import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readTokenFile } from '../config/environment.ts';
import type { MonitorConfig } from '../config/monitor-config.ts';
import { DEFAULT_MONITOR_PORT } from '../config/monitor-uri.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { requireDataDirectory } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { parsePort, withDataDirectory, withSsl, type SslOptions } from './options.ts';
import { runService } from './run-service.ts';
import { chooseSsl } from './ssl-choice.ts';
import { portOf } from './port-of.ts';

interface Options extends SslOptions {
  readonly pgdata?: string;
  readonly pgport?: number;
  readonly hostname?: string;
  readonly listen?: string;
  readonly auth: string;
  readonly tokenFile?: string;
  readonly store?: string;
  readonly run?: true;
}

/** `pgbaton create monitor`: makes the directory of a monitor. */
export function createMonitorCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'monitor',
    'make the directory of a monitor, the process that decides for the groups',
    'pgbaton create monitor --pgdata ./monitor --pgport 5000 --hostname localhost --run',
  );
  withSsl(withDataDirectory(command))
    .option(
      '--pgport <port>',
      `port of the monitor (env: PGPORT; default: ${DEFAULT_MONITOR_PORT})`,
      parsePort,
    )
    .option(
      '--hostname <host>',
      'host name or address under which others reach it (default: that of this machine)',
    )
    .option('--listen <address>', 'the one address to listen on (default: all)')
    .option(
      '--auth <method>',
      'trust: everybody may do everything; any other: the token of the directory is needed',
      'token',
    )
    .option(
      '--token-file <path>',
      'file with the token that it shall have, such as that of a node of a lost monitor (default: a new one)',
    )
    .option(
      '--store <uri>',
      'decide nothing, and only show the groups in this etcd, whose keepers decide: etcd://host:2379,…/prefix',
    )
    .option('--pgctl <path>', 'accepted and not used: a monitor of pgbaton is no PostgreSQL')
    .option('--skip-pg-hba', 'accepted and not used, for the same reason')
    .option('--run', 'run the monitor, in the foreground until Ctrl-C');
  return command.action(
    act<Options>(async ({ options, ui }) => {
      const directory = requireDataDirectory(context, options);
      if (options.store !== undefined) await assertObserver(options.store, options);
      const { uri, tokenFile } = await context.services.createMonitor({
        directory,
        config: toConfig(context, options),
        token: tokenOf(context, options),
      });
      if (!options.run) {
        ui.show(
          { directory, uri, token_file: tokenFile },
          () => `The monitor of "${directory}" is made; its URI is ${uri}\n`,
        );
        ui.note('HINT:  Start it with "pgbaton run"; "pgbaton show systemd" prints a unit that does.');
        return;
      }
      ui.note(`The monitor of "${directory}" is made; its URI is ${uri}`);
      await runService(context, ui, () => context.services.runMonitor(directory));
    }),
  );
}

/** It asks for what the keepers and the store tell only to those who have the token, and lets in who has it too. */
async function assertObserver(store: string, { auth, tokenFile }: Options): Promise<void> {
  const { parseEtcdUri } = await import('../config/etcd-uri.ts');
  parseEtcdUri(store);
  if (auth === 'trust') {
    throw new BatonError('BATON_USAGE', '--store and --auth trust exclude each other', {
      hint: 'It would let everybody do what the token of the formation allows.',
    });
  }
  if (tokenFile !== undefined) return;
  throw new BatonError('BATON_USAGE', 'the token of the formation is needed', {
    hint: 'Copy the file "token" from the state directory of one of its nodes, with mode 0600, and name it with --token-file.',
  });
}

/** Read before privileges are dropped: it may be root's. */
function tokenOf(context: CliContext, { tokenFile }: Options): string | undefined {
  return tokenFile === undefined ? undefined : readTokenFile(resolve(context.cwd, tokenFile));
}

function toConfig(context: CliContext, options: Options): MonitorConfig {
  const { sslmode: _sslmode, ...ssl } = chooseSsl(options, context.cwd);
  return {
    role: 'monitor',
    hostname: options.hostname ?? context.hostname,
    port: portOf(context, options) ?? DEFAULT_MONITOR_PORT,
    listenAddresses: options.listen ?? '*',
    auth: options.auth === 'trust' ? 'trust' : 'token',
    store: { uri: options.store ?? null },
    ssl,
    events: { retentionDays: 30, retentionRows: 100_000 },
    log: { level: 'info', format: 'auto' },
  };
}
