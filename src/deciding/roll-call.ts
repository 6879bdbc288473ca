import { stampOfReport, type Report } from '../core/evidence.ts';
import type { GroupRecord, NodeId } from '../core/group-record.ts';
import type { Caller } from '../core/recover-group.ts';
import {
  contradictionOf,
  isSameStamp,
  stopsDeciding,
  type Contradiction,
  type RecordStamp,
} from '../core/record-home.ts';
import { isOlder } from './evidence-book.ts';
import type { StoredRecord } from './record-cell.ts';

/** Who reports for a group, in it or not, and which record each of them has: what a group is recovered from. */
export interface RollCall {
  /** `record`: that of the node's journal, where it was asked for. */
  take(report: Report, record?: GroupRecord): void;
  /** What is known from the life of this process before: a restart of a restored monitor must not make it believed. */
  remember(node: NodeId, stamp: RecordStamp): void;
  /** Those who have reported lately. */
  callers(): readonly Caller[];
  /** What speaks against deciding on a record; undefined: nothing. Stays until the record is another one. */
  contradiction(stored: StoredRecord): Contradiction | undefined;
  /** Whether the record of the node's journal is known, in the version of its last report. */
  hasRecordOf(node: NodeId): boolean;
}

interface Called {
  readonly node: NodeId;
  readonly stamp: RecordStamp | null;
  readonly caller: Caller | undefined;
  readonly atMs: number;
  /** What its stamp was last compared with, where that speaks against nothing: it need not be compared again. */
  fits?: StoredRecord | undefined;
}

/** Who reported longer ago is missing, ms. */
const LATELY_MS = 10_000;

export function createRollCall(now: () => number): RollCall {
  const calls = new Map<NodeId, Called>();
  const isLate = ({ atMs }: Called): boolean => now() - atMs >= LATELY_MS;

  return {
    take(report, record) {
      const stamp = stampOfReport(report);
      const before = calls.get(report.node);
      if (before?.caller !== undefined && isOlder(report, before.caller.report)) return;
      const known = before !== undefined && isSameStamp(before.stamp, stamp) ? before : undefined;
      const caller = { report, record: record ?? known?.caller?.record ?? null };
      calls.set(report.node, { node: report.node, stamp, caller, atMs: now(), fits: known?.fits });
    },
    remember: (node, stamp) => void calls.set(node, { node, stamp, caller: undefined, atMs: -Infinity }),
    callers: () =>
      [...calls.values()].flatMap((call) => (call.caller === undefined || isLate(call) ? [] : [call.caller])),
    contradiction(stored) {
      const { record, version } = stored;
      for (const call of calls.values()) {
        if (call.fits === stored) continue;
        const found = contradictionOf(call.node, call.stamp, record, version);
        if (found === undefined || !stopsDeciding(found, record)) {
          call.fits = stored;
          continue;
        }
        // A node of another group has been taken away, or given another address.
        if (found.standing === 'foreign' && isLate(call)) continue;
        return found;
      }
      return undefined;
    },
    hasRecordOf: (node) => calls.get(node)?.caller?.record != null,
  };
}
