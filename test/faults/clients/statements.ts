import { machineMs, type Acknowledgement, type Append } from './client-log.ts';
import { CLIENT_ROLE, type ClientSession } from './client-session.ts';

/** The tables of the clients; run by the superuser before they start. */
export const MAKE_TABLES = `
  drop table if exists fault_rows, fault_lists;
  create table fault_rows (writer text, id bigint, primary key (writer, id));
  create table fault_lists (key int primary key, elements int[] not null);
  grant select, insert, update on fault_rows, fault_lists to ${CLIENT_ROLE};`;

/** All that the clients wrote, as one row of two columns. */
export const READ_TABLES = `
  select (select coalesce(json_agg(r), '[]') from (select writer, id from fault_rows) r) as rows,
         (select coalesce(json_agg(l), '[]') from (select key, elements from fault_lists) l) as lists`;

export interface Tables {
  readonly rows: readonly { readonly writer: string; readonly id: number }[];
  readonly lists: readonly { readonly key: number; readonly elements: readonly number[] }[];
}

/** Each reign writes on a timeline of its own: this says for which one a commit was acknowledged. */
const TIMELINE = `('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as timeline`;

/** Writes even where writing is off by default; resolves when it is acknowledged. */
export async function insertRow(
  session: ClientSession,
  writer: string,
  id: number,
  insist = false,
): Promise<Acknowledgement> {
  const sentMs = machineMs();
  if (insist) await session.query('begin read write');
  const text = `insert into fault_rows (writer, id) values ($1, $2) returning ${TIMELINE}`;
  const [row] = await session.query<{ timeline: number }>(text, [writer, id]);
  if (insist) await session.query('commit');
  return {
    kind: 'acknowledged',
    server: session.server,
    writer,
    id,
    timeline: row?.timeline ?? 0,
    sentMs,
    atMs: machineMs(),
  };
}

/** Resolves when it is acknowledged. */
export async function appendToList(session: ClientSession, key: number, element: number): Promise<Append> {
  await session.query(
    `insert into fault_lists values ($1, array[$2::int])
     on conflict (key) do update set elements = fault_lists.elements || $2::int`,
    [key, element],
  );
  return { kind: 'appended', server: session.server, key, element, atMs: machineMs() };
}
