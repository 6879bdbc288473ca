import { Socket } from 'node:net';
import pg from 'pg';
import { sleep } from '../../src/system/clock.ts';

/** Where a client goes that asks nobody which server is the primary. */
export interface StubbornOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly dbname: string;
}

const CONNECT_MS = 1_000;
/** A commit that waits for standbys which never come is given up by cutting the connection, never by a cancel. */
const QUERY_MS = 10_000;
const PAUSE_MS = 25;

/** Does the same to one server again and again, with a new session whenever the one before is lost. */
export function beStubborn(
  options: StubbornOptions,
  work: (client: pg.Client) => Promise<void>,
): { readonly stop: () => Promise<void> } {
  const stopped = new AbortController();
  const { signal } = stopped;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const socket = new Socket();
      try {
        const client = await connect(options, socket);
        while (!signal.aborted) {
          await work(client);
          await sleep(PAUSE_MS, signal);
        }
      } catch {
        // Not there, starting, stopping or locked: that is what it waits for.
      } finally {
        socket.destroy();
      }
      await sleep(PAUSE_MS, signal);
    }
  }

  const running = run();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

export async function isInRecovery(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  return rows[0]?.standby !== false;
}

async function connect(options: StubbornOptions, socket: Socket): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: options.port,
    user: options.user,
    password: options.password,
    database: options.dbname,
    ssl: { rejectUnauthorized: false },
    stream: () => socket,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    application_name: 'stubborn client',
  });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('set default_transaction_read_only = off');
  return client;
}
