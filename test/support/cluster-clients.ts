import assert from 'node:assert/strict';
import pg from 'pg';
import { startRecordingWriter, type RecordingWriter } from '../../src/programs/demo/recording-writer.ts';
import { sleep } from '../../src/system/clock.ts';
import type { ClusterNode } from './cluster-node.ts';
import { startStubbornReader, type StubbornReader } from './stubborn-reader.ts';
import { startStubbornWriter, type StubbornWriter } from './stubborn-writer.ts';

/** What applications do to a cluster while a test breaks it. */
export interface ClusterClients {
  /** Rows that the application was told are committed. */
  count(): number;
  /** The longest time without an acknowledgement since the `from`-th one, ms. */
  longestGapMs(from: number): number;
  /** Adds a stubborn writer for a node that has come later. */
  watch(node: ClusterNode): Promise<void>;
  /** Resolves when the application was told of so many more commits. */
  progress(rows?: number, timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
  /** Fails unless a server has every row that anybody was told is committed. To be called after `stop`. */
  assertAllOn(node: ClusterNode): Promise<void>;
}

const USER = 'app';
const PASSWORD = 'secret-of-the-app';
const TABLE = 'app_rows';
const DATABASE = 'postgres';
const ACCESS = { user: USER, password: PASSWORD, dbname: DATABASE };

/**
 * Starts an application that follows the primary, and on each node a client
 * that writes there whatever happens (see `stubborn-writer.ts`): two servers
 * that acknowledge at the same time lose rows of one of them.
 */
export async function startClients(
  primary: ClusterNode,
  nodes: readonly ClusterNode[],
  pauseMs = 5,
): Promise<ClusterClients> {
  await makeRole(primary);
  await makeTable(primary, TABLE);
  const stubborn: StubbornWriter[] = [];

  async function watch(node: ClusterNode): Promise<void> {
    const table = `rows_of_${node.name}`;
    await makeTable(primary, table);
    stubborn.push(startStubbornWriter({ ...ACCESS, port: node.port, table }));
  }
  for (const node of nodes) await watch(node);
  const application = startRecordingWriter({
    servers: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
    ...ACCESS,
    table: TABLE,
    pauseMs,
  });
  return clients(application, stubborn, watch);
}

/** A client that reads on one node whatever happens. */
export async function startReader(primary: ClusterNode, node: ClusterNode): Promise<StubbornReader> {
  await makeRole(primary);
  return startStubbornReader({ ...ACCESS, port: node.port });
}

function clients(
  application: RecordingWriter,
  stubborn: readonly StubbornWriter[],
  watch: ClusterClients['watch'],
): ClusterClients {
  return {
    count: () => application.count(),
    longestGapMs: (from) => application.longestGapMs(from),
    watch,
    async progress(rows = 20, timeoutMs = 30_000) {
      const wanted = application.count() + rows;
      const endsAtMs = performance.now() + timeoutMs;
      while (application.count() < wanted) {
        if (performance.now() > endsAtMs)
          throw new Error(
            `the application was told of ${application.count() - wanted + rows} commits within ${timeoutMs} ms`,
          );
        await sleep(5);
      }
    },
    async stop() {
      await Promise.all([application, ...stubborn].map((writer) => writer.stop()));
    },
    async assertAllOn(node) {
      await assertHas(node, TABLE, application.idsSince(0));
      for (const writer of stubborn) await assertHas(node, writer.table, writer.acknowledged());
    },
  };
}

async function assertHas(node: ClusterNode, table: string, acknowledged: readonly number[]): Promise<void> {
  const rows = await node.sql<{ id: string }>(`select id from ${table}`);
  const present = new Set(rows.map(({ id }) => Number(id)));
  const lost = acknowledged.filter((id) => !present.has(id));
  assert.deepEqual(lost, [], `${node.name} lacks acknowledged rows of ${table}`);
}

async function makeRole(primary: ClusterNode): Promise<void> {
  const known = await primary.sql(`select 1 from pg_roles where rolname = '${USER}'`);
  if (known.length === 0) await primary.sql(`create role ${USER} login password '${PASSWORD}'`);
}

async function makeTable(primary: ClusterNode, table: string): Promise<void> {
  await primary.sql(
    `drop table if exists ${table}; create table ${table} (id bigint primary key); grant select, insert on ${table} to ${USER}`,
  );
}

/** Fails unless all servers have everything; standbys acknowledge before they replay. */
export async function assertReplayed(
  clients: ClusterClients,
  nodes: readonly ClusterNode[],
  timeoutMs = 30_000,
): Promise<void> {
  const endsAtMs = performance.now() + timeoutMs;
  for (const node of nodes) {
    for (;;) {
      try {
        await clients.assertAllOn(node);
        break;
      } catch (error) {
        if (performance.now() > endsAtMs || !(await isStandby(node))) throw error;
      }
      await sleep(50);
    }
  }
}

async function isStandby(node: ClusterNode): Promise<boolean> {
  const [row] = await node.sql<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  return row?.standby === true;
}

/** Whether a server lets a session that insists on it write: the one question that fencing has to answer with no. */
export async function acceptsWrites(node: ClusterNode): Promise<boolean> {
  if (node.postmaster() === undefined) return false;
  const [row] = await node.sql<{ standby: boolean; read_only: string }>(
    `select pg_is_in_recovery() as standby, current_setting('default_transaction_read_only') as read_only`,
  );
  return row?.standby === false && row.read_only === 'off';
}

/** Connects as the application does. The caller ends it. */
export async function connectApplication(node: Pick<ClusterNode, 'port'>): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: node.port,
    user: USER,
    password: PASSWORD,
    database: DATABASE,
    ssl: { rejectUnauthorized: false },
    connectionTimeoutMillis: 5_000,
    query_timeout: 20_000,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
