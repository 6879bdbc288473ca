import { readdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { MonitorClient } from '../api/client.ts';
import type { RegisteredNodeBody } from '../api/schemas.ts';
import { writeConfig } from '../config/config-file.ts';
import { NODE_CONFIG, type NodeConfig } from '../config/node-config.ts';
import { homeOf, keeperPortOf } from '../config/node-home.ts';
import { nodeFiles, type NodeFiles } from '../config/paths.ts';
import { stampOf, standingOf } from '../core/record-home.ts';
import { BatonError } from '../lib/baton-error.ts';
import { findBinaries } from '../postgres/binaries.ts';
import { parseControlData } from '../postgres/control-data.ts';

import { programEnvironment, runCommand } from '../system/run-command.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { assertPortFree } from '../system/port.ts';
import { connectHome } from './connect-home.ts';
import { JOURNAL_FILE, openJournal } from './journal.ts';

export interface CreateNodeOptions {
  /** All but the node's id and the paths of what is made here. */
  readonly config: NodeConfig;
  /** The token of the monitor, undefined with `--auth trust` there; or that of the formation. */
  readonly token: string | undefined;
  /** May hold the password of the store. */
  readonly env: NodeJS.ProcessEnv;
}

export interface CreatedNode {
  readonly name: string;
  readonly nodeId: number;
  readonly formation: string;
  readonly stateDirectory: string;
  /** Where the token of the formation stands if it was made now; the other nodes need a copy of it. */
  readonly newTokenFile: string | null;
}

/**
 * Registers a node with its monitor and writes its files; PostgreSQL is not
 * touched before `run`. Asking twice for the same host and port finds the
 * same node again. Throws BATON_DATA_DIRECTORY for a directory that holds
 * something else, BATON_SYSTEM_IDENTIFIER for the data of another system, and
 * what the monitor refuses.
 */
export async function createNode({ config, token, env }: CreateNodeOptions): Promise<CreatedNode> {
  const dataDirectory = resolve(config.postgres.dataDirectory);
  const files = nodeFiles(dataDirectory);
  const { binDirectory } = await findBinaries(config.postgres.binDirectory ?? undefined);
  const systemIdentifier = await inspectDataDirectory(dataDirectory, binDirectory);
  if (systemIdentifier === null) await assertPortFree(config.postgres.port);

  const home = await connectHome(config, files, token, env);
  const { client } = home;
  try {
    const registered = await register(client, config, systemIdentifier);
    await writeFiles(
      files,
      { ...config, name: registered.name, nodeId: registered.node_id, group: registered.group },
      home.token,
      registered,
    );
    return {
      name: registered.name,
      nodeId: registered.node_id,
      formation: config.formation,
      stateDirectory: files.stateDirectory,
      newTokenFile: home.isNewToken ? files.tokenFile : null,
    };
  } finally {
    client.close();
  }
}

/** The system identifier of the data that is there; null when there is none. */
async function inspectDataDirectory(dataDirectory: string, binDirectory: string): Promise<string | null> {
  const entries = await listIfThere(dataDirectory);
  if (entries.length === 0) return null;
  if (!entries.includes('PG_VERSION')) {
    throw new BatonError(
      'BATON_DATA_DIRECTORY',
      `"${dataDirectory}" is not empty and not a PostgreSQL data directory`,
      {
        detail: `It contains ${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ' …' : ''}.`,
        hint: 'Name an empty or absent directory, or one that PostgreSQL has made.',
      },
    );
  }
  const { stdout, stderr } = await runCommand(join(binDirectory, 'pg_controldata'), ['-D', dataDirectory], {
    timeoutMs: 10_000,
    env: programEnvironment(),
  });
  if (stdout === '') {
    throw new BatonError('BATON_DATA_DIRECTORY', `"${dataDirectory}" can't be read by pg_controldata`, {
      detail: stderr.trim(),
      hint: 'Was it made by another major version? Name the right programs with --pgctl.',
    });
  }
  return parseControlData(stdout).systemIdentifier;
}

async function listIfThere(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new BatonError('BATON_DATA_DIRECTORY', `"${directory}" can't be read`, {
      detail: message,
      hint: 'Is it a directory, and does it belong to the user who runs pgbaton?',
      cause: error,
    });
  }
}

function register(
  client: MonitorClient,
  config: NodeConfig,
  systemIdentifier: string | null,
): Promise<RegisteredNodeBody> {
  return client.registerNode(config.formation, {
    ...(config.name === null ? {} : { name: config.name }),
    group: config.group,
    host: config.hostname,
    port: config.postgres.port,
    ...(homeOf(config).kind === 'store' ? { keeper_port: keeperPortOf(config) } : {}),
    candidate_priority: config.candidatePriority,
    replication_quorum: config.replicationQuorum,
    system_identifier: systemIdentifier,
    auth: config.postgres.auth,
  });
}

async function writeFiles(
  files: NodeFiles,
  config: NodeConfig,
  token: string | undefined,
  registration: RegisteredNodeBody,
): Promise<void> {
  const { secrets } = registration;
  if (secrets !== undefined) {
    const text = JSON.stringify({
      keeperPassword: secrets.keeper_password,
      replicationPassword: secrets.replication_password,
    });
    await writeFileAtomically(files.secretsFile, `${text}\n`, { mode: 0o600 });
  }
  if (token !== undefined) await writeFileAtomically(files.tokenFile, `${token}\n`, { mode: 0o600 });
  if (
    config.ssl.mode === 'self-signed' &&
    !(await listIfThere(files.stateDirectory)).includes('server.crt')
  ) {
    const { certFile, keyFile } = files;
    const { createSelfSignedCertificate } = await import('../system/certificates.ts');
    await createSelfSignedCertificate({ hostname: config.hostname, certFile, keyFile });
  }
  await beginJournal(files.stateDirectory, registration);
  const { kind } = homeOf(config);
  const tokenFile = token === undefined ? null : files.tokenFile;
  writeConfig(NODE_CONFIG, files.configFile, { ...config, [kind]: { ...config[kind], tokenFile } });
}

/**
 * A journal whose record does not lead to that of the group that the node joins
 * belongs to another group: to one that its monitor has lost, or that the node
 * has left. It is kept beside the new one.
 */
async function beginJournal(stateDirectory: string, registration: RegisteredNodeBody): Promise<void> {
  const { record, recordVersion } = (await openJournal(stateDirectory)).entry;
  const { record: joined, record_version: version } = registration;
  if (record === null || joined === undefined) return;
  if (standingOf(stampOf(record, recordVersion), joined, version) === 'known') return;
  const file = join(stateDirectory, JOURNAL_FILE);
  await rename(file, `${file}.left`);
}
