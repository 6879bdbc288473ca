import { readFile } from 'node:fs/promises';
import { createMonitorClient } from '../api/client.ts';
import { readConfig } from '../config/config-file.ts';
import { parseMonitorUri } from '../config/monitor-uri.ts';
import { NODE_CONFIG, type NodeConfig } from '../config/node-config.ts';
import { nodeFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';
import { createPostgresServer, type ServerSecrets } from '../postgres/create-postgres-server.ts';
import { lockPidFile } from '../system/pid-file.ts';
import { createLogger } from '../telemetry/logger.ts';
import { crashAt } from './crash-point.ts';
import { openGroupLink } from './group-link.ts';
import { openJournal } from './journal.ts';
import { createKeeper } from './keeper.ts';

export interface RunningNode {
  /** Ends the keeper. `with_postgres` shuts PostgreSQL down first; else it goes on without its keeper. */
  stop(how: 'with_postgres' | 'keeper_only'): Promise<void>;
  /** Resolves when the node was dropped from its group. */
  readonly dropped: Promise<void>;
}

export interface RunNodeOptions {
  readonly dataDirectory: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs the keeper of the node that was created for a data directory. Throws
 * BATON_CONFIG_INVALID, BATON_ALREADY_RUNNING, BATON_POSTGRES_MISSING. A
 * monitor that can't be reached is no error: the journal says enough to go on.
 */
export async function runNode({ dataDirectory, env }: RunNodeOptions): Promise<RunningNode> {
  const files = nodeFiles(dataDirectory);
  const config = readConfig(NODE_CONFIG, files.configFile);
  const { nodeId } = config;
  if (nodeId === null) {
    throw new BatonError('BATON_CONFIG_INVALID', `"${files.configFile}" has no node_id`, {
      hint: 'The node was not registered. Run `pgbaton create postgres` again.',
    });
  }
  const log = createLogger({ level: config.log.level, format: config.log.format });
  const lock = await lockPidFile(files.pidFile);
  const server = await createPostgresServer(await serverOptions(config, files));
  const journal = await openJournal(files.stateDirectory);
  const token = env['PGBATON_MONITOR_TOKEN'] ?? (await readToken(config.monitor.tokenFile));
  const client = createMonitorClient(parseMonitorUri(config.monitor.uri), { token });
  const nowMs = (): number => performance.now();
  let takeRecord: Parameters<typeof openGroupLink>[0]['onRecord'] = () => undefined;
  const link = openGroupLink({
    client,
    address: { formation: config.formation, group: config.group },
    nowMs,
    onRecord: (version, record) => takeRecord(version, record),
    onLine: (error) => {
      if (error === undefined) log.info('the monitor is heard again');
      else log.warn({ detail: error.detail, hint: error.hint }, error.message);
    },
  });
  const keeper = await createKeeper({
    node: nodeId,
    server,
    journal,
    link,
    log,
    nowMs,
    passCrashPoint: crashAt(env['PGBATON_CRASH_AT']),
  });
  takeRecord = (version, record) => keeper.takeRecord(version, record);
  log.info(
    { node: nodeId, dataDirectory: config.postgres.dataDirectory },
    `keeper of "${config.name ?? nodeId}" runs`,
  );
  void keeper.run();

  return {
    dropped: keeper.dropped,
    async stop(how) {
      await keeper.stop(how);
      await link.close();
      client.close();
      await server.close();
      await lock.release();
    },
  };
}

/** What the PostgreSQL layer needs to know of a node. */
export async function serverOptions(
  config: NodeConfig,
  files: ReturnType<typeof nodeFiles>,
): Promise<Parameters<typeof createPostgresServer>[0]> {
  const { postgres, ssl } = config;
  return {
    dataDirectory: postgres.dataDirectory,
    stateDirectory: files.stateDirectory,
    binDirectory: postgres.binDirectory,
    hostname: config.hostname,
    port: postgres.port,
    listenAddresses: postgres.listenAddresses,
    socketDirectory: postgres.socketDirectory,
    username: postgres.username,
    dbname: postgres.dbname,
    auth: postgres.auth,
    hba: postgres.hba,
    ssl:
      ssl.mode === 'off'
        ? { mode: 'off' }
        : {
            mode: 'on',
            certFile: ssl.certFile ?? files.certFile,
            keyFile: ssl.keyFile ?? files.keyFile,
            caFile: ssl.caFile,
            sslmode: ssl.sslmode,
          },
    maximumBackupRate: config.replication.maximumBackupRate,
    secrets: await readSecrets(files.secretsFile),
  };
}

async function readSecrets(file: string): Promise<ServerSecrets | null> {
  const text = await readIfThere(file);
  return text === undefined ? null : (JSON.parse(text) as ServerSecrets);
}

async function readToken(file: string | null): Promise<string | undefined> {
  if (file === null) return undefined;
  const text = await readIfThere(file);
  if (text === undefined) {
    throw new BatonError('BATON_CONFIG_INVALID', `the token file "${file}" does not exist`, {
      hint: 'Copy it from the directory of the monitor (the file "token"), mode 0600.',
    });
  }
  return text.trim();
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BatonError('BATON_CONFIG_INVALID', `"${file}" can't be read`, {
      detail: (error as Error).message,
      hint: 'Run pgbaton as the user who owns the file.',
      cause: error,
    });
  }
}
