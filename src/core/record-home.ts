import { nameOf, type GroupRecord, type NodeId, type RecordHome } from './group-record.ts';

/** Names one version of a record among all that any store ever held; null as a whole: no record has been seen. */
export interface RecordStamp extends RecordOrigin {
  readonly version: number;
}

/** What of a stamp is not its version. */
export interface RecordOrigin {
  readonly incarnations: readonly string[];
  /** null: it is as its incarnation began. */
  readonly writer: string | null;
}

/**
 * How a version that somebody has seen stands to a record.
 * `known`: it is the record, or an earlier version of it. Whoever has seen it may take the record.
 * `ahead`: it is a later version of the record: who offers the record has lost what came after.
 * `diverged`: both come from one version, and others have been written to each since.
 * `foreign`: the two have nothing in common.
 */
export type Standing = 'known' | 'ahead' | 'diverged' | 'foreign';

/** How many writers a record remembers. */
const REMEMBERED_WRITERS = 50;

/**
 * The home of a record that is put into another store, or back into one that
 * has gone on without it. `others`: of the records that it takes the place of.
 * A group that was recovered twice from one version, and is now recovered from
 * one of the two, would else go on without whoever follows the other.
 */
export function movedHome(
  { incarnations, superseded = [] }: RecordHome,
  incarnation: string,
  others: readonly RecordHome[] = [],
): RecordHome {
  const ends = others
    .filter((other) => other.incarnations[0] === incarnations[0])
    .flatMap((other) => other.incarnations.slice(-1))
    .filter((end) => !incarnations.includes(end));
  const all = [...new Set([...superseded, ...ends])];
  return {
    incarnations: [...incarnations, incarnation],
    writers: [],
    ...(all.length === 0 ? {} : { superseded: all }),
  };
}

/** The record as `writer` writes it over the given version. */
export function writtenBy(record: GroupRecord, writer: string, version: number): GroupRecord {
  const { home } = record;
  if (home.writers.at(-1)?.id === writer) return record;
  const writers = [...home.writers, { id: writer, after: version }].slice(-REMEMBERED_WRITERS);
  return { ...record, home: { ...home, writers } };
}

export function originOf({ home }: GroupRecord): RecordOrigin {
  return { incarnations: home.incarnations, writer: home.writers.at(-1)?.id ?? null };
}

export function stampOf(record: GroupRecord, version: number): RecordStamp {
  return { ...originOf(record), version };
}

/** Whether two have seen the same record. The version alone does not tell: another home, or another line of it, may have come to the same. */
export function isSameStamp(a: RecordStamp | null, b: RecordStamp | null): boolean {
  return (
    a?.version === b?.version &&
    a?.writer === b?.writer &&
    a?.incarnations.length === b?.incarnations.length &&
    a?.incarnations.at(-1) === b?.incarnations.at(-1)
  );
}

/** Compares what somebody has seen with a record in a version. */
export function standingOf(seen: RecordStamp | null, record: GroupRecord, version: number): Standing {
  if (seen === null) return 'known';
  const { incarnations } = record.home;
  if (incarnations[0] !== seen.incarnations[0]) return 'foreign';
  if (record.home.superseded?.includes(seen.incarnations.at(-1) ?? '')) return 'known';
  const length = Math.min(incarnations.length, seen.incarnations.length);
  if (incarnations.some((id, i) => i < length && id !== seen.incarnations[i])) return 'diverged';
  // Whatever the store before has come to: who recovered the record has decided what of that counts.
  if (incarnations.length > length) return 'known';
  if (seen.incarnations.length > length || seen.version > version) return 'ahead';
  return isWrittenBy(record.home, seen) ? 'known' : 'diverged';
}

/**
 * Whether a record is a later version of the one that is known, and may take
 * its place. An older one may only have been held up on its way; one of
 * another line comes from a store that is not to be believed.
 */
export function isLater(
  known: GroupRecord | null,
  knownVersion: number,
  record: GroupRecord,
  version: number,
): boolean {
  if (known === null) return true;
  const isOfSameHome = known.home.incarnations.at(-1) === record.home.incarnations.at(-1);
  if (isOfSameHome && version <= knownVersion) return false;
  return standingOf(stampOf(known, knownVersion), record, version) === 'known';
}

function isWrittenBy({ writers }: RecordHome, { writer, version }: RecordStamp): boolean {
  const found = writers.findLast(({ after }) => after < version);
  // Earlier than all that are remembered: then nothing is known against it.
  if (found === undefined && writers.length === REMEMBERED_WRITERS) return true;
  return (found?.id ?? null) === writer;
}

/** A record that a node has and that does not fit the one of the store: the store is not to be believed. */
export interface Contradiction {
  readonly node: NodeId;
  readonly standing: Exclude<Standing, 'known'>;
  readonly theirs: RecordStamp;
  /** The version of the store's own record. */
  readonly ownVersion: number;
}

/** What a node's record says against the record of a store; undefined: nothing. */
export function contradictionOf(
  node: NodeId,
  theirs: RecordStamp | null,
  record: GroupRecord,
  version: number,
): Contradiction | undefined {
  const standing = standingOf(theirs, record, version);
  if (standing === 'known' || theirs === null) return undefined;
  return { node, standing, theirs, ownVersion: version };
}

/**
 * Whether a group may not be decided for because of it. A node of another group
 * that has the wrong address proves nothing against a group that has nodes of
 * its own; where there are none, the store has lost them.
 */
export function stopsDeciding({ standing }: Contradiction, record: GroupRecord): boolean {
  return standing !== 'foreign' || record.nodes.length === 0;
}

/** A contradiction in a sentence, with the way out. */
export function describeContradiction(contradiction: Contradiction, record: GroupRecord): string {
  const { node, standing, theirs, ownVersion } = contradiction;
  const name = nameOf(record, node);
  const isRecovered = theirs.incarnations.length > record.home.incarnations.length;
  switch (standing) {
    case 'ahead':
      return isRecovered
        ? `${name} follows a store that the group was recovered into since: this one is over. ${WAY_OUT}`
        : `${name} has version ${theirs.version} of the record, and this store has version ${ownVersion}: it was restored from an old copy. ${WAY_OUT}`;
    case 'diverged':
      return `${name} has another version ${theirs.version} of the record than this store, which is at ${ownVersion}: one of them comes from an old copy. ${WAY_OUT}`;
    case 'foreign':
      return record.nodes.length === 0
        ? `node ${node} belongs to a group that this store does not have: the store was made anew. ${WAY_OUT}`
        : `node ${node} of another group reports here and is not listened to: check monitor.uri in its pgbaton.yaml`;
  }
}

const WAY_OUT =
  'Nothing is decided for the group, and its servers go on, until `pgbaton store recover` takes the newest record from its nodes';
