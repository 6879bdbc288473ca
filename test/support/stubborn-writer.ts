import { Socket } from 'node:net';
import pg from 'pg';
import { sleep } from '../../src/system/clock.ts';

/** Writes to one server for ever, whatever role that has, and remembers what it acknowledged. */
export interface StubbornWriter {
  readonly table: string;
  acknowledged(): readonly number[];
  stop(): Promise<void>;
}

export interface StubbornWriterOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly dbname: string;
  readonly table: string;
}

const CONNECT_MS = 1_000;
/** A commit that waits for standbys which never come is given up by cutting the connection, never by a cancel. */
const QUERY_MS = 10_000;
const PAUSE_MS = 25;

/**
 * The client that fencing is for: it sits on the machine of one server, asks
 * nobody whether that is the primary, and switches the read-only default of
 * its session off.
 */
export function startStubbornWriter(options: StubbornWriterOptions): StubbornWriter {
  const acknowledged: number[] = [];
  const stopped = new AbortController();
  let nextId = 1;

  async function write(client: pg.Client): Promise<void> {
    while (!stopped.signal.aborted) {
      // Asked first, or a standby's log would hold nothing but refusals.
      if (!(await isInRecovery(client))) {
        const id = nextId++;
        await client.query(`insert into ${options.table} (id) values ($1)`, [id]);
        acknowledged.push(id);
      }
      await sleep(PAUSE_MS, stopped.signal);
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      const socket = new Socket();
      try {
        await write(await connect(options, socket));
      } catch {
        // Not there, starting, stopping or locked: that is what it waits for.
      } finally {
        socket.destroy();
      }
      await sleep(PAUSE_MS, stopped.signal);
    }
  }

  const running = run();
  return {
    table: options.table,
    acknowledged: () => [...acknowledged],
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

async function isInRecovery(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  return rows[0]?.standby !== false;
}

async function connect(options: StubbornWriterOptions, socket: Socket): Promise<pg.Client> {
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
    application_name: 'stubborn writer',
  });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('set default_transaction_read_only = off');
  return client;
}
