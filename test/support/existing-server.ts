import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/postgres/binaries.ts';
import { cleanEnvironment } from './cluster-process.ts';

/** A PostgreSQL that somebody has made without pgbaton. */
export interface ExistingServer {
  readonly pgdata: string;
  readonly port: number;
  start(): void;
  stop(): void;
}

/** Makes a data directory with these lines at the end of its configuration; not started. */
export async function makeExistingServer(
  pgdata: string,
  port: number,
  configuration: readonly string[] = [],
): Promise<ExistingServer> {
  const { binDirectory } = await findBinaries();
  const initdb = [
    '--pgdata',
    pgdata,
    '--username',
    'postgres',
    '--auth',
    'trust',
    '--data-checksums',
    '--no-sync',
  ];
  await promisify(execFile)(join(binDirectory, 'initdb'), initdb, { env: cleanEnvironment() });
  const lines = [`port = ${port}`, `listen_addresses = '127.0.0.1'`, ...configuration];
  appendFileSync(join(pgdata, 'postgresql.conf'), `${lines.join('\n')}\n`);
  const pgCtl = (...args: readonly string[]): void =>
    void execFileSync(join(binDirectory, 'pg_ctl'), ['-D', pgdata, '-s', '-w', ...args], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 60_000,
    });
  return {
    pgdata,
    port,
    start: () => pgCtl('start', '-l', `${pgdata}.log`),
    stop: () => pgCtl('stop', '-m', 'fast'),
  };
}
