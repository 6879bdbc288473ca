import { Socket } from 'node:net';
import pg from 'pg';
import { withTimeLimit } from '../../system/clock.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface WriterConnection {
  /** Whether the server is open for writing, by the question that libpq asks for `target_session_attrs=read-write`. */
  isWritable(): Promise<boolean>;
  /** Nothing can be had over it any more. */
  readonly isBroken: boolean;
  /** Whether the row was acknowledged. After a false its fate is unknown and the connection is useless. */
  insert(table: string, id: number): Promise<boolean>;
  /** Cuts the connection at once. */
  close(): void;
}

export interface ClientIdentity {
  readonly user: string;
  /** undefined where the servers trust everybody. */
  readonly password?: string | undefined;
  readonly dbname: string;
}

/** A server on this machine answers in milliseconds or not at all. */
const CONNECT_MS = 500;
const QUERY_MS = 5_000;

/**
 * Connects; undefined where that fails. Never throws: a writer that moves from
 * server to server has no use for the reason.
 *
 * A query that takes too long is given up by cutting the connection, never by
 * a cancel or a statement_timeout: a commit that waits for the standbys would
 * be acknowledged by those, although no standby has it.
 */
export async function connectToServer(
  { host, port }: ServerAddress,
  { user, password, dbname }: ClientIdentity,
): Promise<WriterConnection | undefined> {
  const socket = new Socket();
  const client = new pg.Client({
    host,
    port,
    user,
    password,
    database: dbname,
    ssl: { rejectUnauthorized: false },
    stream: () => socket,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    application_name: 'pgbaton demo writer',
  });
  let isBroken = false;
  const close = (): void => {
    isBroken = true;
    socket.destroy();
  };
  // A connection may also break between two queries.
  client.on('error', close);
  client.on('end', close);
  const succeeds = (query: Promise<unknown>): Promise<boolean> =>
    query.then(
      () => true,
      () => {
        close();
        return false;
      },
    );
  // Not there, starting, stopping, or closed for clients: the next server's turn.
  if (!(await succeeds(client.connect()))) return undefined;
  return {
    close,
    get isBroken() {
      return isBroken;
    },
    async isWritable() {
      let isOff = false;
      const asked = client
        .query<{ transaction_read_only: string }>('show transaction_read_only')
        .then(({ rows }) => (isOff = rows[0]?.transaction_read_only === 'off'));
      return (
        (await succeeds(withTimeLimit('the answer of a server', { timeoutMs: CONNECT_MS }, asked))) && isOff
      );
    },
    insert: (table, id) => succeeds(client.query(`insert into ${table} (id) values ($1)`, [id])),
  };
}
