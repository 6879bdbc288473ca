import { resolve } from 'node:path';
import type { GroupAddress, MonitorClient } from '../api/client.ts';
import type { MonitorEndpoint } from '../api/transport.ts';
import type { MonitorAddress } from '../config/monitor-uri.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { findDataDirectory, noConfig, readLocalConfig, type LocalConfig } from './local-config.ts';
import type { MonitorOptions } from './options.ts';

/** A monitor to talk to, and what is known of this machine. */
export interface Connection {
  readonly client: MonitorClient;
  /** What --pgdata or PGDATA belongs to; undefined when it is not given or has no configuration. */
  readonly local: LocalConfig | undefined;
}

/** Lets `work` talk to the monitor that the options, the environment or the local configuration name. */
export async function withConnection<T>(
  context: CliContext,
  options: MonitorOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const store = await findStore(context, options);
  if (store !== undefined) return await withStore(context, options, store, work);
  const { endpoint, token, local } = await findMonitor(context, options);
  const client = await context.createClient(endpoint, token);
  try {
    return await work({ client, local });
  } finally {
    client.close();
  }
}

/** A store in which keepers keep what they have decided. */
export interface FoundStore {
  readonly uri: string;
  readonly local: LocalConfig | undefined;
}

async function withStore<T>(
  context: CliContext,
  options: MonitorOptions,
  { uri, local }: FoundStore,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const token = await findStoreToken(context, options, uri, local);
  if (token === undefined) {
    throw new BatonError('BATON_UNAUTHORIZED', 'the token of the formation is needed', {
      hint: 'Name a copy of the file "token" of one of its nodes with --token-file, or run the command on a node with --pgdata.',
    });
  }
  const journalled = async (): Promise<GroupRecord | null> =>
    local?.role === 'postgres'
      ? (await context.services.readJournal(local.files.stateDirectory)).record
      : null;
  const client = await context.services.connectStore(uri, token, journalled);
  try {
    return await work({ client, local });
  } finally {
    client.close();
  }
}

/**
 * The store that is meant, in the order in which {@link findMonitor} looks;
 * undefined: a monitor is meant, or nothing at all.
 */
export async function findStore(
  context: CliContext,
  options: MonitorOptions,
): Promise<FoundStore | undefined> {
  if (options.store !== undefined && options.monitor !== undefined) {
    throw new BatonError('BATON_USAGE', '--monitor and --store exclude each other');
  }
  if (options.store === undefined && namedMonitor(context, options) !== undefined) return undefined;
  const fromEnvironment =
    options.pgdata === undefined ? context.env['PGBATON_STORE'] || undefined : undefined;
  const named = options.store ?? fromEnvironment;
  const local = await localConfigFor(context, options, named);
  if (named !== undefined) return { uri: named, local };
  const uri = local?.role === 'postgres' ? local.config.store.uri : null;
  return uri === null ? undefined : { uri, local };
}

/** --token-file, then PGBATON_MONITOR_TOKEN, then the file that the configuration for this very store names. */
export async function findStoreToken(
  context: CliContext,
  options: MonitorOptions,
  uri: string,
  local: LocalConfig | undefined,
): Promise<string | undefined> {
  const given = await givenToken(context, options);
  if (given !== undefined || local?.role !== 'postgres') return given;
  const { store } = local.config;
  if (store.uri !== uri || store.tokenFile === null) return undefined;
  const { readTokenFile } = await import('../config/environment.ts');
  return readTokenFile(store.tokenFile);
}

/** Where the monitor is and what opens it. */
export interface FoundMonitor {
  readonly endpoint: MonitorEndpoint;
  readonly token: string | undefined;
  readonly local: LocalConfig | undefined;
}

/**
 * Looks for the monitor: --monitor, then the configuration of --pgdata, then
 * PGBATON_MONITOR, then the configuration of PGDATA. What stands on the command
 * line wins over the environment. Throws BATON_USAGE naming all three ways.
 */
export async function findMonitor(context: CliContext, options: MonitorOptions): Promise<FoundMonitor> {
  const named = namedMonitor(context, options);
  const local = await localConfigFor(context, options, named);
  const endpoint = named === undefined ? await endpointOf(local) : await parseEndpoint(context, named);
  if (endpoint === undefined) throw nowhere(context, options);
  return { endpoint, token: await findToken(context, options, endpoint, local), local };
}

function namedMonitor(context: CliContext, options: MonitorOptions): string | undefined {
  if (options.monitor !== undefined) return options.monitor;
  return options.pgdata === undefined ? context.env['PGBATON_MONITOR'] || undefined : undefined;
}

/** A damaged file is only an error when it is needed: in an emergency --monitor must be enough. */
async function localConfigFor(
  context: CliContext,
  options: MonitorOptions,
  named: string | undefined,
): Promise<LocalConfig | undefined> {
  const dataDirectory = findDataDirectory(context, options);
  if (dataDirectory === undefined) return undefined;
  try {
    return await readLocalConfig(dataDirectory);
  } catch (error) {
    if (named === undefined) throw error;
    return undefined;
  }
}

async function endpointOf(local: LocalConfig | undefined): Promise<MonitorAddress | undefined> {
  if (local === undefined) return undefined;
  if (local.role === 'monitor')
    return (await import('../config/monitor-config.ts')).monitorAddressOf(local.config);
  const { parseMonitorUri } = await import('../config/monitor-uri.ts');
  const { uri } = local.config.monitor;
  return uri === null ? undefined : parseMonitorUri(uri);
}

/** Relative paths in a URI are meant from where the command runs. */
export async function parseEndpoint(context: Pick<CliContext, 'cwd'>, uri: string): Promise<MonitorAddress> {
  const { parseMonitorUri } = await import('../config/monitor-uri.ts');
  const address = parseMonitorUri(uri);
  return address.sslrootcert === undefined
    ? address
    : { ...address, sslrootcert: resolve(context.cwd, address.sslrootcert) };
}

/** --token-file, then PGBATON_MONITOR_TOKEN, then the file that the configuration of this very monitor names. */
export async function findToken(
  context: CliContext,
  options: MonitorOptions,
  endpoint: MonitorEndpoint,
  local: LocalConfig | undefined,
): Promise<string | undefined> {
  const given = await givenToken(context, options);
  if (given !== undefined) return given;
  const { readTokenFile } = await import('../config/environment.ts');
  const home = await endpointOf(local);
  // The token of one monitor is never shown to another.
  if (local === undefined || home?.host !== endpoint.host || home.port !== endpoint.port) return undefined;
  if (local.role === 'monitor') {
    return local.config.auth === 'trust' ? undefined : readTokenFile(local.files.tokenFile);
  }
  const { tokenFile } = local.config.monitor;
  return tokenFile === null ? undefined : readTokenFile(tokenFile);
}

async function givenToken(context: CliContext, options: MonitorOptions): Promise<string | undefined> {
  if (options.tokenFile === undefined) return context.env['PGBATON_MONITOR_TOKEN'] || undefined;
  const { readTokenFile } = await import('../config/environment.ts');
  return readTokenFile(resolve(context.cwd, options.tokenFile));
}

function nowhere(context: CliContext, options: MonitorOptions): BatonError {
  const hint =
    'Name it with --monitor pgbaton://host:port, set PGBATON_MONITOR, name a store with --store etcd://host:port, or name a directory that pgbaton made with --pgdata (or PGDATA).';
  const dataDirectory = findDataDirectory(context, options);
  if (dataDirectory === undefined) return new BatonError('BATON_USAGE', 'no monitor is named', { hint });
  return new BatonError('BATON_USAGE', 'no monitor is named', {
    detail: noConfig(dataDirectory).detail,
    hint,
  });
}

/** The formation that is meant: the one given, that of the local node, or `default`. */
export function formationOf(
  options: { readonly formation?: string },
  local: LocalConfig | undefined,
): string {
  return options.formation ?? (local?.role === 'postgres' ? local.config.formation : 'default');
}

/**
 * The name of the node that is meant: the one given, or that of the local node
 * as the monitor knows it now. Throws BATON_USAGE when there is none.
 */
export async function nodeNameOf(
  options: { readonly name?: string; readonly formation?: string },
  { client, local }: Connection,
): Promise<string> {
  if (options.name !== undefined) return options.name;
  const formation = formationOf(options, local);
  if (local?.role !== 'postgres' || local.config.formation !== formation) {
    throw new BatonError('BATON_USAGE', 'no node is named', {
      hint: 'Name it with --name, or run the command on its machine with --pgdata (or PGDATA).',
    });
  }
  const { nodeId, group, name } = local.config;
  const { nodes } = await client.getGroup({ formation, group });
  const found = nodes.find((node) => node.node_id === nodeId);
  if (found !== undefined) return found.name;
  throw new BatonError(
    'BATON_NODE_NOT_FOUND',
    `this node (${name ?? `node ${nodeId}`}) is not in formation "${formation}" any more`,
    {
      hint: '"pgbaton show nodes" lists the nodes that are.',
    },
  );
}

/** The group in which a named node, or the local one, is looked for. */
export function addressOfNode(
  options: { readonly formation?: string; readonly name?: string },
  { local }: Pick<Connection, 'local'>,
): GroupAddress {
  const formation = formationOf(options, local);
  const isLocal = local?.role === 'postgres' && local.config.formation === formation;
  return { formation, group: isLocal ? local.config.group : 0 };
}
