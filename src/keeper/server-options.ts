import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { GroupSecretsBody } from '../api/schemas.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { NodeFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';
import { findBinaries } from '../postgres/binaries.ts';
import type { PostgresServerOptions, ServerSecrets } from '../postgres/server-options.ts';
import { monotonicNow } from '../system/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Where Debian's and Red Hat's servers put their socket, and every libpq of theirs looks for it. */
const USUAL_SOCKET_DIRECTORY = '/var/run/postgresql';

/** What the PostgreSQL layer needs to know of a node. Throws BATON_POSTGRES_MISSING, BATON_CONFIG_INVALID. */
export async function serverOptionsOf(
  config: NodeConfig,
  files: NodeFiles,
  log: Logger,
): Promise<PostgresServerOptions> {
  const { postgres, ssl } = config;
  const { binDirectory } = await findBinaries(postgres.binDirectory ?? undefined);
  return {
    dataDirectory: postgres.dataDirectory,
    stateDirectory: files.stateDirectory,
    binDirectory,
    hostname: config.hostname,
    port: postgres.port,
    listenAddresses: postgres.listenAddresses,
    socketDirectory: postgres.socketDirectory ?? socketDirectory(),
    username: postgres.username ?? userInfo().username,
    dbname: postgres.dbname,
    auth: postgres.auth,
    ssl:
      ssl.mode === 'off'
        ? { mode: 'off' }
        : {
            mode: 'on',
            certFile: ssl.certFile ?? files.certFile,
            keyFile: ssl.keyFile ?? files.keyFile,
            caFile: ssl.caFile ?? undefined,
          },
    secrets: await readSecrets(files.secretsFile),
    hbaLan: postgres.hba === 'lan',
    skipHba: postgres.hba === 'skip',
    maximumBackupRate: config.replication.maximumBackupRate,
    now: monotonicNow,
    log: (message, fields) => log.info(fields ?? {}, message),
  };
}

function socketDirectory(): string {
  try {
    accessSync(USUAL_SOCKET_DIRECTORY, constants.W_OK);
    return USUAL_SOCKET_DIRECTORY;
  } catch {
    return '/tmp';
  }
}

/** The passwords of a node's group; null when it has none. Throws BATON_CONFIG_INVALID. */
export async function readSecrets(file: string): Promise<ServerSecrets | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ServerSecrets;
  } catch (error) {
    // With `--auth trust` there are none.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new BatonError('BATON_CONFIG_INVALID', `the passwords in "${file}" can't be read`, {
      detail: error instanceof SyntaxError ? 'The file is damaged.' : (error as Error).message,
      hint: 'Run `pgbaton create postgres` again: the monitor hands them out once more.',
      cause: error,
    });
  }
}

/** The same, as they go over the wire; undefined: there are none. */
export async function passwordsOf({
  secretsFile,
}: Pick<NodeFiles, 'secretsFile'>): Promise<GroupSecretsBody | undefined> {
  const secrets = await readSecrets(secretsFile);
  if (secrets === null) return undefined;
  return { keeper_password: secrets.keeperPassword, replication_password: secrets.replicationPassword };
}
