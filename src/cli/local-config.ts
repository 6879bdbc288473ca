import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MonitorConfig } from '../config/monitor-config.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { monitorFiles, nodeFiles, type MonitorFiles, type NodeFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';

/** What runs in a data directory, by the `pgbaton.yaml` that belongs to it. */
export type LocalConfig = LocalMonitor | LocalNode;

export interface LocalMonitor {
  readonly role: 'monitor';
  readonly dataDirectory: string;
  readonly files: MonitorFiles;
  readonly config: MonitorConfig;
}

export interface LocalNode {
  readonly role: 'postgres';
  readonly dataDirectory: string;
  readonly files: NodeFiles;
  readonly config: NodeConfig;
}

/** The absolute path of --pgdata or PGDATA; undefined when neither is given. */
export function findDataDirectory(
  context: Pick<CliContext, 'env' | 'cwd'>,
  options: { readonly pgdata?: string },
): string | undefined {
  const given = options.pgdata ?? (context.env['PGDATA'] || undefined);
  return given === undefined ? undefined : resolve(context.cwd, given);
}

/** As {@link findDataDirectory}; throws BATON_USAGE when neither is given. */
export function requireDataDirectory(
  context: Pick<CliContext, 'env' | 'cwd'>,
  options: { readonly pgdata?: string },
): string {
  const directory = findDataDirectory(context, options);
  if (directory !== undefined) return directory;
  throw new BatonError('BATON_USAGE', 'no data directory is given', {
    hint: 'Name it with --pgdata <path>, or set PGDATA.',
  });
}

/** Which role the directory has; undefined when it has no configuration. */
export function localRole(dataDirectory: string): LocalConfig['role'] | undefined {
  if (existsSync(monitorFiles(dataDirectory).configFile)) return 'monitor';
  if (existsSync(nodeFiles(dataDirectory).configFile)) return 'postgres';
  return undefined;
}

/** Reads the configuration of a directory; undefined when it has none. Throws BATON_CONFIG_INVALID. */
export async function readLocalConfig(dataDirectory: string): Promise<LocalConfig | undefined> {
  const role = localRole(dataDirectory);
  if (role === undefined) return undefined;
  // Loaded on demand: the YAML and schema libraries are most of the start-up time of a command.
  const { readConfig } = await import('../config/config-file.ts');
  if (role === 'monitor') {
    const { MONITOR_CONFIG } = await import('../config/monitor-config.ts');
    const files = monitorFiles(dataDirectory);
    return { role, dataDirectory, files, config: readConfig(MONITOR_CONFIG, files.configFile) };
  }
  const { NODE_CONFIG } = await import('../config/node-config.ts');
  const files = nodeFiles(dataDirectory);
  return { role, dataDirectory, files, config: readConfig(NODE_CONFIG, files.configFile) };
}

/** As {@link readLocalConfig}; throws BATON_CONFIG_INVALID when there is none. */
export async function requireLocalConfig(dataDirectory: string): Promise<LocalConfig> {
  const local = await readLocalConfig(dataDirectory);
  if (local !== undefined) return local;
  throw noConfig(dataDirectory);
}

/** The node of a directory. Throws BATON_CONFIG_INVALID when it is a monitor's or has no configuration. */
export async function requireLocalNode(dataDirectory: string): Promise<LocalNode> {
  const local = await requireLocalConfig(dataDirectory);
  if (local.role === 'postgres') return local;
  throw new BatonError(
    'BATON_CONFIG_INVALID',
    `"${dataDirectory}" is the directory of a monitor, not of a node`,
    {
      hint: 'Name the data directory of a node with --pgdata.',
    },
  );
}

export function noConfig(dataDirectory: string): BatonError {
  return new BatonError('BATON_CONFIG_INVALID', `"${dataDirectory}" has no pgbaton.yaml`, {
    detail: `Neither "${monitorFiles(dataDirectory).configFile}" (a monitor) nor "${nodeFiles(dataDirectory).configFile}" (a node) can be found.`,
    hint: 'Check --pgdata or PGDATA. "pgbaton create monitor" and "pgbaton create postgres" make the file.',
  });
}
