import type { NodeId } from '../src/core/group-record.ts';
import type { Lineage, TimelineSwitch } from '../src/core/lineage.ts';
import type { Lsn } from '../src/core/lsn.ts';
import { lineageAt } from '../src/postgres/timeline-history.ts';

/** One run of history under one timeline number. Two promotions may pick the same number: they are two of these. */
export interface Timeline {
  readonly id: number;
  /** The timelines before it, oldest first. */
  readonly history: readonly TimelineSwitch[];
  readonly begunBy: NodeId;
  /** A person promoted outside of pgbaton: nobody could choose the number well. */
  readonly isByHand: boolean;
}

export type RecordKind = 'commit' | 'marker' | 'sign' | 'checkpoint' | 'shutdown' | 'end_of_recovery';

/** A record of WAL. Nodes share the very same object when they share the history up to it. */
export interface WalRecord {
  /** How many records come before it in its history. */
  readonly index: number;
  readonly timeline: Timeline;
  /** Where it ends, bytes. */
  readonly endBytes: number;
  readonly lsn: Lsn;
  /** Where a history that ends with this record stands, as PostgreSQL tells it. */
  readonly lineage: Lineage;
  readonly kind: RecordKind;
  /** Of a commit: what the client wrote. Of a marker: its term. */
  readonly value: number;
  /** The term of the last marker up to here: what a server that has replayed this finds in its table. */
  readonly markerTerm: number | null;
}

const FIRST_BYTES = 0x1_000_000;

export function nextRecord(
  last: WalRecord | undefined,
  timeline: Timeline,
  kind: RecordKind,
  value: number,
  sizeBytes: number,
): WalRecord {
  const endBytes = (last?.endBytes ?? FIRST_BYTES) + sizeBytes;
  const lsn = formatLsn(endBytes);
  return {
    index: last === undefined ? 0 : last.index + 1,
    timeline,
    endBytes,
    lsn,
    lineage: lineageAt({ timeline: timeline.id, lsn }, timeline.history),
    kind,
    value,
    markerTerm: kind === 'marker' ? value : (last?.markerTerm ?? null),
  };
}

/** No run writes more than 4 GB. */
function formatLsn(bytes: number): Lsn {
  return `0/${bytes.toString(16).toUpperCase()}`;
}

/** The timeline that begins behind a record. */
export function forkTimeline(last: WalRecord, id: number, begunBy: NodeId, isByHand: boolean): Timeline {
  const history = [...last.timeline.history, { timeline: last.timeline.id, end: last.lsn }];
  return { id, history, begunBy, isByHand };
}

/** Whether two histories are one up to the end of the shorter. */
export function sharesHistory(a: readonly WalRecord[], b: readonly WalRecord[]): boolean {
  const common = Math.min(a.length, b.length);
  return common === 0 || a[common - 1] === b[common - 1];
}
