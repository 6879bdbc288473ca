import type { Acknowledgement, Append, ClientRecord } from '../clients/client-log.ts';
import type { Tables } from '../clients/statements.ts';

/** What one client has written down. */
export interface ClientHistory {
  readonly client: string;
  readonly records: readonly ClientRecord[];
}

/** What a server has when all is healed. */
export interface NodeContents {
  readonly node: string;
  readonly tables: Tables;
}

/** Rows and list elements that a client was told are committed and that a node has not, in words. */
export function lostCommits(histories: readonly ClientHistory[], nodes: readonly NodeContents[]): string[] {
  const records = histories.flatMap((history) => history.records);
  const rows = records.filter((record) => record.kind === 'acknowledged');
  const appends = records.filter((record) => record.kind === 'appended');
  return nodes.flatMap(({ node, tables }) => {
    const present = new Set(tables.rows.map(({ writer, id }) => `${writer} ${id}`));
    const elements = new Set(tables.lists.flatMap((list) => list.elements));
    return [
      ...rows
        .filter(({ writer, id }) => !present.has(`${writer} ${id}`))
        .map((lost) => `${node} lacks row ${lost.id} of ${lost.writer}, ${acknowledgedBy(lost)}`),
      ...appends
        .filter(({ element }) => !elements.has(element))
        .map((lost) => `${node} lacks element ${lost.element}, ${acknowledgedBy(lost)}`),
    ];
  });
}

function acknowledgedBy({ server, atMs }: Acknowledgement | Append): string {
  return `which ${server} acknowledged at ${Math.round(atMs)} ms`;
}

/** What a client has read and nobody has in the end: it was rolled back, or is in another order. */
export function rolledBackReads(
  histories: readonly ClientHistory[],
  nodes: readonly NodeContents[],
): string[] {
  const lists = new Map(nodes[0]?.tables.lists.map(({ key, elements }) => [key, elements]));
  const found: string[] = [];
  for (const { client, records } of histories) {
    const seen = new Map<number, readonly number[]>();
    for (const record of records) {
      if (record.kind !== 'list') continue;
      const { key, kept, added, server, atMs } = record;
      const list = [...(seen.get(key) ?? []).slice(0, kept), ...added];
      seen.set(key, list);
      const differs = added.findIndex((element, index) => lists.get(key)?.[kept + index] !== element);
      if (differs >= 0)
        found.push(
          `${client} read element ${added[differs]} of list ${key} from ${server} at ${Math.round(atMs)} ms; in the end it is not there`,
        );
    }
  }
  return found;
}

/**
 * Commits that somebody acknowledged on a timeline although a client had been told
 * of one on a later timeline before it even sent the write; or by a second server
 * on the same one.
 */
export function acknowledgedByTwo(histories: readonly ClientHistory[]): string[] {
  const all = histories
    .flatMap(({ records }) => records)
    .filter((record) => record.kind === 'acknowledged')
    .sort((a, b) => a.atMs - b.atMs);
  const firsts = new Map<number, Acknowledgement>();
  for (const each of all) if (!firsts.has(each.timeline)) firsts.set(each.timeline, each);
  return all.flatMap((late) => {
    const rivals = [...firsts.values()].filter(({ timeline }) => timeline >= late.timeline);
    const rival = rivals.find((first) =>
      first.timeline === late.timeline ? first.server !== late.server : first.atMs < late.sentMs,
    );
    if (rival === undefined) return [];
    const what = `${late.server} acknowledged row ${late.id} of ${late.writer} on timeline ${late.timeline}`;
    return [`${what}; ${rival.server} had acknowledged on timeline ${rival.timeline} before`];
  });
}

/** How the contents of the others differ from those of the first, in words. */
export function differences(nodes: readonly NodeContents[]): string[] {
  const [first, ...others] = nodes;
  if (first === undefined) return [];
  const keys = ({ tables }: NodeContents): ReadonlySet<string> =>
    new Set([
      ...tables.rows.map(({ writer, id }) => `row ${id} of ${writer}`),
      ...tables.lists.map(({ key, elements }) => `list ${key}: ${elements.join(' ')}`),
    ]);
  const expected = keys(first);
  return others.flatMap((other) => {
    const has = keys(other);
    const missing = [...expected].filter((key) => !has.has(key));
    const extra = [...has].filter((key) => !expected.has(key));
    return [
      ...missing.map((key) => `${first.node} has ${key}, ${other.node} has not`),
      ...extra.map((key) => `${other.node} has ${key}, ${first.node} has not`),
    ];
  });
}
