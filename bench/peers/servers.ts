import { Socket } from 'node:net';
import pg from 'pg';
import type { DataNode } from './system.ts';

const ANSWER_MS = 2_000;

/** Asks one server one question; rejects when it does not answer within 2 s. */
export async function ask<Row extends pg.QueryResultRow>(
  { host, port }: Pick<DataNode, 'host' | 'port'>,
  text: string,
  database = 'postgres',
): Promise<readonly Row[]> {
  const socket = new Socket();
  const client = new pg.Client({
    stream: () => socket,
    host: host.address,
    port,
    user: 'postgres',
    database,
    ssl: false,
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: ANSWER_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(text)).rows;
  } finally {
    // Without a goodbye: to wait for that of a host that is cut off would take minutes.
    socket.destroy();
  }
}

interface Roles {
  readonly primary: DataNode;
  readonly standbys: readonly DataNode[];
}

/** Who is what, when there is one primary and every other server streams from it; undefined when not. */
export async function wholeCluster(nodes: readonly DataNode[]): Promise<Roles | undefined> {
  const answers = await Promise.all(
    nodes.map((node) =>
      ask<{ standby: boolean; streams: number }>(
        node,
        `select pg_is_in_recovery() as standby,
                (select count(*)::int from pg_stat_replication where state = 'streaming' and sync_state is not null) as streams`,
      ).then(
        ([row]) => row,
        () => undefined,
      ),
    ),
  );
  if (answers.some((answer) => answer === undefined)) return undefined;
  const primaries = nodes.filter((_, index) => answers[index]?.standby === false);
  const [primary] = primaries;
  if (primary === undefined || primaries.length !== 1) return undefined;
  if (answers[nodes.indexOf(primary)]?.streams !== nodes.length - 1) return undefined;
  return { primary, standbys: nodes.filter((node) => node !== primary) };
}

/** The standby that commits wait for, where there is one; else the first. */
export async function standbyThatCounts({ primary, standbys }: Roles): Promise<DataNode> {
  const rows = await ask<{ address: string }>(
    primary,
    `select host(client_addr) as address from pg_stat_replication
      where state = 'streaming' order by sync_state in ('sync', 'quorum') desc, application_name`,
  );
  const found = standbys.find(({ host }) => host.address === rows[0]?.address) ?? standbys[0];
  if (found === undefined) throw new Error('there is no standby');
  return found;
}
