import { readFileSync, statSync } from 'node:fs';
import { BatonError } from '../lib/baton-error.ts';

/** The environment variables that pgbaton reads. */
export interface Environment {
  readonly dataDirectory: string | undefined;
  readonly port: number | undefined;
  readonly monitorUri: string | undefined;
  readonly monitorToken: string | undefined;
}

/** Reads PGDATA, PGPORT, PGBATON_MONITOR and PGBATON_MONITOR_TOKEN. Throws BATON_USAGE for a port that is none. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  return {
    dataDirectory: nonEmpty(env['PGDATA']),
    port: toPort(nonEmpty(env['PGPORT'])),
    monitorUri: nonEmpty(env['PGBATON_MONITOR']),
    monitorToken: nonEmpty(env['PGBATON_MONITOR_TOKEN']),
  };
}

/** The token of a file that only its owner can read; throws as {@link readSecretFile} does. */
export function readTokenFile(file: string): string {
  return readSecretFile(
    file,
    'token',
    'Copy the file "token" from the directory of the monitor, with mode 0600.',
  );
}

/**
 * The secret of a file that only its owner can read. Throws
 * BATON_CONFIG_INVALID when the file is missing, empty or readable by others.
 */
export function readSecretFile(file: string, kind: string, hint?: string): string {
  try {
    // A secret that others can read is a secret that others have.
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new BatonError('BATON_CONFIG_INVALID', `the ${kind} file "${file}" can be read by others`, {
        hint: `Run "chmod 600 ${file}".`,
      });
    }
    const secret = readFileSync(file, 'utf8').trim();
    if (secret !== '') return secret;
    throw new BatonError('BATON_CONFIG_INVALID', `the ${kind} file "${file}" is empty`);
  } catch (error) {
    if (error instanceof BatonError) throw error;
    throw new BatonError('BATON_CONFIG_INVALID', `could not read the ${kind} file "${file}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      hint,
      cause: error,
    });
  }
}

function toPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new BatonError('BATON_USAGE', `PGPORT is "${text}", which is not a port number`);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
