import type { NodeId } from '../../src/core/group-record.ts';
import type { Lineage, TimelineSwitch } from '../../src/core/lineage.ts';
import { lsnFromBytes } from '../../src/core/lsn.ts';
import { renamed, RENAMINGS } from './permutations.ts';

export type WalKind = 'base' | 'commit' | 'marker' | 'shutdown' | 'promotion';

/**
 * The end of a history of WAL. All histories are one tree: two nodes share
 * what they have in common, and a node's data are a pointer into it.
 */
export interface Wal {
  readonly id: number;
  readonly parent: Wal | null;
  readonly kind: WalKind;
  /** Of a marker or promotion: its term. Of a commit: its number. */
  readonly value: number;
  readonly timeline: number;
  /** Who wrote it: two promotions to one number by different nodes are different histories. */
  readonly by: NodeId;
  readonly depth: number;
  readonly lineage: Lineage;
  readonly markerTerm: number | null;
  readonly images: (Wal | undefined)[];
}

const known = new Map<string, Wal>();

function make(
  parent: Wal | null,
  kind: WalKind,
  value: number,
  timeline: number,
  by: NodeId,
  history: readonly TimelineSwitch[],
): Wal {
  const key = `${parent?.id ?? -1} ${kind} ${value} ${timeline} ${by}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const depth = (parent?.depth ?? 0) + 1;
  const lineage = { position: { timeline, lsn: lsnFromBytes(BigInt(depth)) }, history };
  const markerTerm = kind === 'marker' ? value : (parent?.markerTerm ?? null);
  const wal: Wal = {
    id: known.size,
    parent,
    kind,
    value,
    timeline,
    by,
    depth,
    lineage,
    markerTerm,
    images: RENAMINGS.map(() => undefined),
  };
  wal.images[0] = wal;
  known.set(key, wal);
  return wal;
}

/** What every node has at the beginning, with the marker of the first term. */
export const BASE: Wal = make(make(null, 'base', 0, 1, 0, []), 'marker', 1, 1, 0, []);

export function append(wal: Wal, kind: WalKind, value: number): Wal {
  return make(wal, kind, value, wal.timeline, wal.by, wal.lineage.history);
}

/** A promotion: a timeline forks off. */
export function fork(wal: Wal, timeline: number, by: NodeId, term: number): Wal {
  const { position, history } = wal.lineage;
  const switches = [...history, { timeline: position.timeline, end: position.lsn }];
  return make(wal, 'promotion', term, timeline, by, switches);
}

export function contains(wal: Wal, part: Wal): boolean {
  let at: Wal | null = wal;
  while (at !== null && at.depth > part.depth) at = at.parent;
  return at === part;
}

/** Whether one of two histories contains the other. */
export function onOneLine(a: Wal, b: Wal): boolean {
  return contains(a, b) || contains(b, a);
}

export function commonPart(a: Wal, b: Wal): Wal {
  let at: Wal = a;
  while (!contains(b, at)) at = at.parent!;
  return at;
}

/** The promotion that began a timeline in this history. */
export function promotionOf(wal: Wal, timeline: number): Wal | null {
  let at: Wal | null = wal;
  while (at !== null && !(at.kind === 'promotion' && at.timeline === timeline)) at = at.parent;
  return at;
}

/** The first record of the last timeline. */
export function beginningOfTimeline(wal: Wal): Wal {
  let at = wal;
  while (at.parent?.timeline === at.timeline) at = at.parent;
  return at;
}

export function renamedWal(wal: Wal, by: number): Wal {
  const image = wal.images[by];
  if (image !== undefined) return image;
  const parent = wal.parent === null ? null : renamedWal(wal.parent, by);
  const { kind, value, timeline, lineage } = wal;
  const made = make(parent, kind, value, timeline, renamed(wal.by, by), lineage.history);
  wal.images[by] = made;
  return made;
}

/** For traces: `base·marker 1·commit 1`. */
export function describeWal(wal: Wal): string {
  const own = wal.kind === 'promotion' ? `[timeline ${wal.timeline} by n${wal.by}]` : wal.kind;
  const text = wal.kind === 'commit' || wal.kind === 'marker' ? `${own} ${wal.value}` : own;
  return wal.parent === null ? text : `${describeWal(wal.parent)}, ${text}`;
}
