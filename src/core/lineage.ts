import { compareLsn, type Lsn } from './lsn.ts';
import type { Position, Reign } from './group-record.ts';

/** One line of a timeline history file: `timeline` ended at `end`, where its successor forked off. */
export interface TimelineSwitch {
  readonly timeline: number;
  readonly end: Lsn;
}

/** The WAL of a node: where it ends and the way that it took. */
export interface Lineage {
  readonly position: Position;
  /** The timelines before the one of the position, oldest first. */
  readonly history: readonly TimelineSwitch[];
}

/**
 * How a node's WAL stands to a reign's.
 * `contained`: all of it is in the reign's history, so the node may follow by streaming.
 * `diverged`: it has WAL that the reign does not have; pg_rewind can take it back.
 * `unprovable`: the same timeline number with another history; pg_rewind would
 *   say that there is nothing to do and leave foreign rows (I10). Only a new copy helps.
 * `unknown`: the reign's history is not known yet, and the node may have more than its basis.
 */
export type Relation = 'contained' | 'diverged' | 'unprovable' | 'unknown';

/**
 * Orders two ends of WAL: a later timeline wins, then the later LSN. Timelines
 * are unique to reigns, so this is the comparison of terms that Raft makes.
 */
export function comparePositions(a: Position, b: Position): number {
  return a.timeline - b.timeline || compareLsn(a.lsn, b.lsn);
}

/**
 * The first timeline that a reign may have whose WAL goes on from this one. A
 * promotion by hand takes the very next number: no reign is given that one, so
 * a number alone never stands for two histories (I10).
 */
export function reignTimelineAfter(timeline: number): number {
  return timeline + 2;
}

/** Where a node's WAL stands to the history of a reign. LSNs alone are never compared across timelines (I9). */
export function relationTo(reign: Reign, local: Lineage): Relation {
  if (reign.history !== null) {
    return relationToHistory(local, reign.history, reign.timeline);
  }
  const { basis } = reign;
  if (basis === null) return 'unknown';
  const toBasis = relationToHistory(local, basis.history, basis.position.timeline);
  if (toBasis !== 'contained') return 'unknown';
  return comparePositions(local.position, basis.position) <= 0 ? 'contained' : 'unknown';
}

/**
 * Whether WAL goes on from the end of a reign onto a later timeline: a holder
 * that somebody started as a standby and promoted by hand. It has lost nothing
 * of its reign by that.
 */
export function continuesReign(reign: Reign, { position, history }: Lineage): boolean {
  if (reign.history === null || position.timeline <= reign.timeline) return false;
  const index = history.findIndex((entry) => entry.timeline === reign.timeline);
  return index >= 0 && sameSwitches(history.slice(0, index), reign.history);
}

/** Where a node's WAL stands to a timeline and the timelines before it. */
export function relationToHistory(
  local: Lineage,
  history: readonly TimelineSwitch[],
  timeline: number,
): Exclude<Relation, 'unknown'> {
  const own = local.position.timeline;
  if (own === timeline) return sameSwitches(local.history, history) ? 'contained' : 'unprovable';

  const index = history.findIndex((entry) => entry.timeline === own);
  const left = history[index];
  if (left === undefined) return 'diverged';
  if (!sameSwitches(local.history, history.slice(0, index))) return 'unprovable';
  return compareLsn(local.position.lsn, left.end) <= 0 ? 'contained' : 'diverged';
}

/** Whether two histories are the same, line by line. */
export function sameSwitches(a: readonly TimelineSwitch[], b: readonly TimelineSwitch[]): boolean {
  return (
    a.length === b.length &&
    a.every((entry, i) => entry.timeline === b[i]?.timeline && compareLsn(entry.end, b[i].end) === 0)
  );
}
