import { Socket } from 'node:net';
import pg from 'pg';

export interface Server {
  readonly host: string;
  readonly port: number;
}

/** A session that can be cut off at once, whatever hangs. */
export interface ClientSession {
  readonly server: string;
  readonly isBroken: boolean;
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>;
  close(): void;
}

/** The role and the database of all clients. */
export const CLIENT_ROLE = 'app';
export const CLIENT_DATABASE = 'postgres';

export function nameOf({ host, port }: Server): string {
  return `${host}:${port}`;
}

/** A server that has accepted the connection is there, and only slow: to try again would make it slower still, ms. */
const ANSWER_MS = 20_000;

/**
 * Opens a session; rejects with the reason. `connectMs` is for the connection
 * itself, which a host that is there accepts however busy it is. A query that
 * takes too long is given up by cutting the connection, never by a cancel: that
 * would make PostgreSQL acknowledge a commit that only it has.
 */
export async function openSession(
  server: Server,
  limits: { readonly connectMs: number; readonly queryMs: number },
): Promise<ClientSession> {
  const socket = new Socket();
  const dark = setTimeout(() => socket.destroy(new Error(`${nameOf(server)} is dark`)), limits.connectMs);
  socket.once('connect', () => clearTimeout(dark));
  socket.once('close', () => clearTimeout(dark));
  const client = new pg.Client({
    host: server.host,
    port: server.port,
    user: CLIENT_ROLE,
    database: CLIENT_DATABASE,
    ssl: { rejectUnauthorized: false },
    stream: () => socket,
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: limits.queryMs,
    application_name: 'fault suite',
  });
  let isBroken = false;
  const close = (): void => {
    isBroken = true;
    socket.destroy();
  };
  client.on('error', close);
  client.on('end', close);
  try {
    await client.connect();
  } catch (error) {
    close();
    throw error;
  }
  return {
    server: nameOf(server),
    get isBroken() {
      return isBroken;
    },
    async query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      try {
        return (await client.query<R>(text, [...values])).rows;
      } catch (error) {
        // The server has said no, and the session goes on; after anything else nobody knows.
        if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR') close();
        throw error;
      }
    },
    close,
  };
}

/** Whether it was PostgreSQL that said no; then nothing was written. A server that ends says FATAL, and may have written. */
export function isRefusal(error: unknown): error is pg.DatabaseError & { readonly code: string } {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}
