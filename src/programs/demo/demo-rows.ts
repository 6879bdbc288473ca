import { userInfo } from 'node:os';
import pg from 'pg';
import { BatonError, toBatonError } from '../../lib/baton-error.ts';
import { sleep, startCountdown } from '../../system/clock.ts';
import type { DemoNode } from './demo-group.ts';

/** The application of the demo, which is no superuser. */
export const DEMO_USER = 'demo';
export const DEMO_DATABASE = 'postgres';
export const DEMO_TABLE = 'demo_rows';

const QUERY_MS = 30_000;

/** Root can't be PostgreSQL's superuser: the servers then run as "postgres", and so is their superuser called. */
export function superuser(): string {
  return process.getuid?.() === 0 ? 'postgres' : userInfo().username;
}

/** Makes the role and the table that the writer uses. */
export async function createDemoTable(primary: DemoNode): Promise<void> {
  await withClient(primary, superuser(), async (client) => {
    await client.query(`create role ${DEMO_USER} login`);
    await client.query(
      `create table ${DEMO_TABLE} (id bigint primary key, written_at timestamptz not null default now())`,
    );
    await client.query(`grant select, insert on ${DEMO_TABLE} to ${DEMO_USER}`);
  });
}

/** The rows of a query that only the superuser may ask. */
export async function queryAsSuperuser(node: DemoNode, text: string): Promise<readonly unknown[]> {
  return withClient(node, superuser(), async (client) => (await client.query(text)).rows);
}

/** The ids of all rows that a server has. */
export async function readRows(node: DemoNode): Promise<ReadonlySet<number>> {
  return withClient(node, DEMO_USER, async (client) => {
    const { rows } = await client.query<{ id: string }>(`select id from ${DEMO_TABLE}`);
    return new Set(rows.map(({ id }) => Number(id)));
  });
}

/** Which of the acknowledged ids a server does not have. */
export function missingFrom(
  present: ReadonlySet<number>,
  acknowledged: readonly number[],
): readonly number[] {
  return acknowledged.filter((id) => !present.has(id));
}

/**
 * Waits until a server has all of the ids; returns those that it still does
 * not have after that time. For standbys, which replay a little later than
 * they acknowledge.
 */
export async function missingAfterReplay(
  node: DemoNode,
  acknowledged: readonly number[],
  timeoutMs: number,
): Promise<readonly number[]> {
  const countdown = startCountdown({ timeoutMs });
  for (;;) {
    const missing = missingFrom(await readRows(node), acknowledged);
    if (missing.length === 0 || countdown.remainingMs() === 0) return missing;
    await sleep(100);
  }
}

async function withClient<T>(
  { name, host, port }: DemoNode,
  user: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host,
    port,
    user,
    database: DEMO_DATABASE,
    ssl: { rejectUnauthorized: false },
    connectionTimeoutMillis: 5_000,
    query_timeout: QUERY_MS,
    application_name: 'pgbaton demo',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw new BatonError('BATON_POSTGRES_QUERY_FAILED', `a query of the demo on ${name} failed`, {
      detail: toBatonError(error).message,
      cause: error,
    });
  } finally {
    await client.end();
  }
}
