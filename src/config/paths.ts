import { join, resolve } from 'node:path';

/**
 * The keeper's own folder: beside the data directory, never inside it, so that
 * a base backup or a rewind can't overwrite it.
 */
export function stateDirectoryOf(dataDirectory: string): string {
  return `${resolve(dataDirectory)}.pgbaton`;
}

export interface NodeFiles {
  readonly stateDirectory: string;
  readonly configFile: string;
  readonly pidFile: string;
  readonly fencerPidFile: string;
  /** The monitor's token, mode 0600. */
  readonly tokenFile: string;
  /** Passwords of the group's roles, mode 0600. */
  readonly secretsFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The files of the node whose data directory is `dataDirectory`. */
export function nodeFiles(dataDirectory: string): NodeFiles {
  const stateDirectory = stateDirectoryOf(dataDirectory);
  return {
    stateDirectory,
    configFile: join(stateDirectory, CONFIG_FILE),
    pidFile: join(stateDirectory, PID_FILE),
    fencerPidFile: join(stateDirectory, 'fencer.pid'),
    tokenFile: join(stateDirectory, 'token'),
    secretsFile: join(stateDirectory, 'secrets.json'),
    certFile: join(stateDirectory, 'server.crt'),
    keyFile: join(stateDirectory, 'server.key'),
  };
}

export interface MonitorFiles {
  readonly directory: string;
  readonly configFile: string;
  readonly pidFile: string;
  readonly storeFile: string;
  /** The token that every client must bring, mode 0600. */
  readonly tokenFile: string;
  /** One file with passwords a group, mode 0600 in a folder of mode 0700. */
  readonly secretsDirectory: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The files of the monitor whose directory (its PGDATA) is `directory`. */
export function monitorFiles(directory: string): MonitorFiles {
  const root = resolve(directory);
  return {
    directory: root,
    configFile: join(root, CONFIG_FILE),
    pidFile: join(root, PID_FILE),
    storeFile: join(root, 'store.sqlite'),
    tokenFile: join(root, 'token'),
    secretsDirectory: join(root, 'secrets'),
    certFile: join(root, 'server.crt'),
    keyFile: join(root, 'server.key'),
  };
}

const CONFIG_FILE = 'pgbaton.yaml';
const PID_FILE = 'pgbaton.pid';
