import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { writeConfig } from '../config/config-file.ts';
import { MONITOR_CONFIG, monitorAddressOf, type MonitorConfig } from '../config/monitor-config.ts';
import { formatMonitorUri } from '../config/monitor-uri.ts';
import { monitorFiles, type MonitorFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';
import { readTlsMaterial } from './tls-material.ts';

export interface CreatedMonitor {
  readonly uri: string;
  readonly configFile: string;
  /** null with `--auth trust`. */
  readonly tokenFile: string | null;
}

/**
 * Makes the directory of a monitor: configuration, token, certificate. The
 * directory must be empty or absent: BATON_DATA_DIRECTORY. After a failure
 * nothing is left behind. `token`: the one that its nodes have already.
 */
export async function createMonitorDirectory(
  directory: string,
  config: MonitorConfig,
  token?: string,
): Promise<CreatedMonitor> {
  const files = monitorFiles(directory);
  await makeEmptyDirectory(files.directory);
  try {
    await writeFiles(files, config, token);
  } catch (error) {
    for (const file of [files.tokenFile, files.certFile, files.keyFile, files.configFile]) {
      await rm(file, { force: true });
    }
    throw error;
  }
  return {
    uri: formatMonitorUri(monitorAddressOf(config)),
    configFile: files.configFile,
    tokenFile: config.auth === 'token' ? files.tokenFile : null,
  };
}

async function writeFiles(
  files: MonitorFiles,
  config: MonitorConfig,
  token = randomBytes(32).toString('base64url'),
): Promise<void> {
  const { certFile, keyFile, tokenFile, configFile } = files;
  if (config.ssl.mode === 'self-signed') {
    const { createSelfSignedCertificate } = await import('../system/certificates.ts');
    await createSelfSignedCertificate({ hostname: config.hostname, certFile, keyFile });
  }
  await readTlsMaterial(config.ssl, files);
  if (config.auth === 'token') {
    await writeFileAtomically(tokenFile, `${token}\n`, { mode: 0o600 });
  }
  // Last: a directory with a configuration is complete.
  writeConfig(MONITOR_CONFIG, configFile, config);
}

async function makeEmptyDirectory(directory: string): Promise<void> {
  let entries: readonly string[];
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    entries = await readdir(directory);
  } catch (error) {
    throw new BatonError('BATON_DATA_DIRECTORY', `could not make the directory "${directory}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      cause: error,
    });
  }
  if (entries.length > 0) throw notEmpty(directory, entries);
  await chmod(directory, 0o700);
}

function notEmpty(directory: string, entries: readonly string[]): BatonError {
  if (entries.includes(basename(monitorFiles(directory).configFile))) {
    return new BatonError('BATON_DATA_DIRECTORY', `there is a monitor in "${directory}" already`, {
      hint: 'Start it with "pgbaton run", or remove it with "pgbaton drop monitor --destroy".',
    });
  }
  return new BatonError('BATON_DATA_DIRECTORY', `the directory "${directory}" is not empty`, {
    detail: `It contains ${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ' …' : ''}.`,
    hint: 'Name an empty or absent directory with --pgdata (PGDATA).',
  });
}
