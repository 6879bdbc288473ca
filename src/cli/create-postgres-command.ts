import { dirname, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { NodeConfig } from '../config/node-config.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { findToken, parseEndpoint } from './connect-monitor.ts';
import { requireDataDirectory } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import {
  parseBoolean,
  parseCount,
  parseName,
  parsePort,
  parsePriority,
  parseRate,
  withMonitor,
  withSsl,
  type MonitorOptions,
  type SslOptions,
} from './options.ts';
import { portOf } from './port-of.ts';
import { runService } from './run-service.ts';
import { chooseSsl } from './ssl-choice.ts';

const AUTH_METHODS = ['scram-sha-256', 'trust', 'md5', 'password', 'cert'] as const;
type AuthMethod = (typeof AUTH_METHODS)[number];

interface Options extends MonitorOptions, SslOptions {
  readonly pgport?: number;
  readonly pgctl?: string;
  readonly listen: string;
  readonly hostname?: string;
  readonly name?: string;
  readonly formation: string;
  readonly group: number;
  readonly username?: string;
  readonly dbname: string;
  readonly auth: AuthMethod;
  readonly skipPgHba?: true;
  readonly pgHbaLan?: true;
  readonly candidatePriority: number;
  readonly replicationQuorum: boolean;
  readonly maximumBackupRate: string;
  readonly run?: true;
}

/** `pgbaton create postgres`: registers a node and writes its files. */
export function createPostgresCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'postgres',
    'register a PostgreSQL server, a new one or one that exists, and write the files of its keeper',
    "pgbaton create postgres --pgdata ./node_1 --pgport 5001 --hostname localhost --monitor 'pgbaton://localhost:5000?sslmode=require' --run",
  );
  return withSsl(withMonitor(command))
    .option('--pgport <port>', 'port of the server (env: PGPORT; default: 5432)', parsePort)
    .option('--pgctl <path>', 'pg_ctl of the version to use (default: the newest that is found)')
    .option('--listen <addresses>', 'listen_addresses of the server', '*')
    .option(
      '--hostname <host>',
      'host name or address under which others reach it (default: that of this machine)',
    )
    .option('--name <node>', 'name of the node (default: node_<number>)', parseName)
    .option('--formation <name>', 'formation that it joins', parseName, 'default')
    .option('--group <number>', 'group of the formation', parseCount, 0)
    .option('--username <role>', 'superuser of the server (default: who runs it)')
    .option('--dbname <name>', 'database that the applications use; made if it is missing', 'postgres')
    .option(
      '--auth <method>',
      `how the nodes and local sessions log in: ${AUTH_METHODS.join(', ')}`,
      parseAuth,
      'scram-sha-256',
    )
    .option('--skip-pg-hba', 'leave pg_hba.conf alone')
    .option('--pg-hba-lan', 'let the local network connect to the database of the applications')
    .option(
      '--candidate-priority <priority>',
      'how much it is preferred as the primary: 0 (never) to 100',
      parsePriority,
      50,
    )
    .option('--replication-quorum <boolean>', 'whether commits may stand on it', parseBoolean, true)
    .option('--maximum-backup-rate <rate>', 'limit for base backups a second', parseRate, '100M')
    .option('--run', 'run the keeper, in the foreground until Ctrl-C')
    .action(
      act<Options>(async ({ options, ui }) => {
        const uri = options.monitor ?? (context.env['PGBATON_MONITOR'] || undefined);
        if (uri === undefined) throw noMonitor();
        const endpoint = await parseEndpoint(context, uri);
        const token = await findToken(context, options, endpoint, undefined);
        const { formatMonitorUri } = await import('../config/monitor-uri.ts');
        const config = toConfig(context, options, formatMonitorUri(endpoint));
        const node = await context.services.createNode({ config, token });
        if (!options.run || !ui.json) {
          ui.show(
            {
              name: node.name,
              node_id: node.nodeId,
              formation: node.formation,
              state_directory: node.stateDirectory,
            },
            () => `"${node.name}" is node ${node.nodeId} of formation "${node.formation}".\n`,
          );
        }
        if (!options.run) {
          ui.note('HINT:  Start it with "pgbaton run"; "pgbaton show systemd" prints a unit that does.');
          return;
        }
        await runService(context, ui, () => context.services.runNode(config.postgres.dataDirectory));
      }),
    );
}

function toConfig(context: CliContext, options: Options, monitorUri: string): NodeConfig {
  return {
    role: 'postgres',
    name: options.name ?? null,
    formation: options.formation,
    group: options.group,
    nodeId: null,
    monitor: { uri: monitorUri, tokenFile: null },
    hostname: options.hostname ?? context.hostname,
    postgres: {
      dataDirectory: requireDataDirectory(context, options),
      binDirectory: options.pgctl === undefined ? null : dirname(resolve(context.cwd, options.pgctl)),
      port: portOf(context, options) ?? 5432,
      listenAddresses: options.listen,
      socketDirectory: null,
      username: options.username ?? null,
      dbname: options.dbname,
      auth: options.auth,
      hba: options.skipPgHba ? 'skip' : options.pgHbaLan ? 'lan' : 'minimal',
    },
    ssl: chooseSsl(options, context.cwd),
    replication: { maximumBackupRate: options.maximumBackupRate },
    watchdog: { mode: 'off', device: '/dev/watchdog', marginSeconds: 5 },
    candidatePriority: options.candidatePriority,
    replicationQuorum: options.replicationQuorum,
    log: { level: 'info', format: 'auto' },
  };
}

function parseAuth(text: string): AuthMethod {
  const method = AUTH_METHODS.find((known) => known === text);
  if (method !== undefined) return method;
  throw new InvalidArgumentError(`Use one of ${AUTH_METHODS.join(', ')}.`);
}

function noMonitor(): BatonError {
  return new BatonError('BATON_USAGE', 'no monitor is named', {
    hint: 'Name it with --monitor pgbaton://host:port?sslmode=require, or set PGBATON_MONITOR; "pgbaton show uri --monitor" on its machine prints it.',
  });
}
