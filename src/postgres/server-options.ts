import type { MonotonicClock } from '../system/clock.ts';

/** Where a server lives and how it is reached: what does not change while its keeper runs. */
export interface PostgresServerOptions {
  /** Absolute. */
  readonly dataDirectory: string;
  /** The keeper's own directory, absolute, never inside the data directory: passfile, server log, sentinel, lost-found. */
  readonly stateDirectory: string;
  /** Holds postgres, pg_ctl, pg_basebackup, pg_rewind …; see {@link findBinDirectory}. */
  readonly binDirectory: string;
  readonly port: number;
  /** As in postgresql.conf; `*` for all. */
  readonly listenAddresses: string;
  /** Where the server makes its Unix socket, absolute, at most 90 bytes. */
  readonly socketDirectory: string;
  /** The host name or address that peers and clients use for this node. */
  readonly hostname: string;
  /** The superuser that initdb makes, or that an adopted server has. */
  readonly username: string;
  /** Made by {@link PostgresServer.initialise} when it is not `postgres`. */
  readonly dbname: string;
  /** Any method of pg_hba.conf for remote connections. `trust` is for try-outs. */
  readonly auth: string;
  readonly ssl: SslOptions;
  /** The same for all members of a group. null: the roles have no passwords (`auth` is then `trust` or `cert`). */
  readonly secrets: ServerSecrets | null;
  /** Lets clients of the directly connected networks in, by {@link auth}. */
  readonly hbaLan: boolean;
  /** pg_hba.conf is left alone: the operator sees to it. */
  readonly skipHba: boolean;
  /** As pg_basebackup's --max-rate, for example `100M`. */
  readonly maximumBackupRate?: string | undefined;
  readonly now: MonotonicClock;
  /** What was done beyond the plain course of things, for the keeper's log. No secrets. */
  readonly log?: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export type SslOptions =
  | { readonly mode: 'off' }
  | {
      readonly mode: 'on';
      readonly certFile: string;
      readonly keyFile: string;
      /** Given: peers' certificates are checked against it, and clients' when they have one. */
      readonly caFile?: string | undefined;
    };

export interface ServerSecrets {
  readonly keeperPassword: string;
  readonly replicationPassword: string;
}

/** The role that the keeper works with: no superuser. */
export const KEEPER_ROLE = 'pgbaton_keeper';

/** The role that standbys, pg_basebackup and pg_rewind connect with. */
export const REPLICATION_ROLE = 'pgbaton_replicator';
