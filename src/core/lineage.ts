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
  readonly history: readonly TimelineSwitch[];
}
