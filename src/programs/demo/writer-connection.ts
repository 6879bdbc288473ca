import { Socket } from 'node:net';
import pg from 'pg';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface WriterConnection {
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
 * Connects if the server is open for writing, by the question that libpq asks
 * for `target_session_attrs=read-write`; else undefined. Never throws: a
 * writer that moves from server to server has no use for the reason.
 *
 * A query that takes too long is given up by cutting the connection, never by
 * a cancel or a statement_timeout: a commit that waits for the standbys would
 * be acknowledged by those, although no standby has it.
 */
export async function connectReadWrite(
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
  // A connection that breaks between two queries says so here; the next query fails and tells the writer.
  client.on('error', () => undefined);
  const close = (): void => {
    socket.destroy();
  };
  try {
    await client.connect();
    const { rows } = await client.query<{ transaction_read_only: string }>('show transaction_read_only');
    if (rows[0]?.transaction_read_only === 'off') {
      return {
        close,
        insert: (table, id) =>
          client.query(`insert into ${table} (id) values ($1)`, [id]).then(
            () => true,
            () => false,
          ),
      };
    }
  } catch {
    // Not there, starting, stopping, or closed for clients: the next server's turn.
  }
  close();
  return undefined;
}
