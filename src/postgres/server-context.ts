import { join } from 'node:path';
import type { Disk } from '../system/disk.ts';
import type { RunCommand } from '../system/run-command.ts';
import type { PostgresServerOptions } from './server-options.ts';

/** What all parts of one server share. */
export interface ServerContext {
  readonly options: PostgresServerOptions;
  readonly files: ServerFiles;
  readonly disk: Disk;
  readonly run: RunCommand;
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** Where the files of a server are. */
export interface ServerFiles {
  readonly versionFile: string;
  readonly pidFile: string;
  readonly controlFile: string;
  readonly walDirectory: string;
  readonly standbySignal: string;
  readonly recoverySignal: string;
  readonly backupLabel: string;
  readonly mainConfiguration: string;
  readonly automaticConfiguration: string;
  /** Included last: what pgbaton decides. */
  readonly managedConfiguration: string;
  /** Included first: what the operator's own lines may override. */
  readonly defaultConfiguration: string;
  readonly hba: string;
  readonly ident: string;
  /** Inside the data directory, so that moving the copy into place never crosses file systems. */
  readonly stagedCopy: string;
  readonly passfile: string;
  readonly serverLog: string;
  readonly sentinel: string;
  readonly runningCommand: string;
  readonly lostFound: string;
}

export function serverFiles(options: PostgresServerOptions): ServerFiles {
  const inData = (name: string): string => join(options.dataDirectory, name);
  const inState = (name: string): string => join(options.stateDirectory, name);
  return {
    versionFile: inData('PG_VERSION'),
    pidFile: inData('postmaster.pid'),
    controlFile: inData('global/pg_control'),
    walDirectory: inData('pg_wal'),
    standbySignal: inData('standby.signal'),
    recoverySignal: inData('recovery.signal'),
    backupLabel: inData('backup_label'),
    mainConfiguration: inData('postgresql.conf'),
    automaticConfiguration: inData('postgresql.auto.conf'),
    managedConfiguration: inData('pgbaton.conf'),
    defaultConfiguration: inData('pgbaton.defaults.conf'),
    hba: inData('pg_hba.conf'),
    ident: inData('pg_ident.conf'),
    stagedCopy: inData('pgbaton.clone'),
    passfile: inState('passfile'),
    serverLog: inState('postgresql.log'),
    sentinel: inState('unfinished.json'),
    runningCommand: inState('running-command.json'),
    lostFound: inState('lost-found'),
  };
}

/** The full path of one of PostgreSQL's programs. */
export function program(context: ServerContext, name: string): string {
  return join(context.options.binDirectory, name);
}
