import { hasKnown, type GroupRecord, type NodeId } from '../core/group-record.ts';
import { isLater } from '../core/record-home.ts';

/** A record in a version of its store. */
export interface VersionedRecord {
  readonly version: number;
  readonly record: GroupRecord;
}

/** The newest record that has come in, until it is acted on. */
export interface RecordInbox {
  /**
   * Drops what is no later than the record that waits, or than the one that is
   * acted on, and what says nothing to this node; returns whether it was kept.
   */
  offer(offered: VersionedRecord): boolean;
  /**
   * Resolves with the record that waits, once `keep` has written it down;
   * undefined: none waits. One that could not be written waits on: nobody sends
   * it again as long as the group is quiet.
   */
  take(keep: (waiting: VersionedRecord) => Promise<void>): Promise<VersionedRecord | undefined>;
  /** The record that waits, if there has been one for so long, ms; undefined: there has not. */
  waitingFor(ms: number): GroupRecord | undefined;
}

export interface RecordInboxDependencies {
  readonly node: NodeId;
  /** What is acted on now. */
  readonly present: () => { readonly version: number; readonly record: GroupRecord | null };
  readonly nowMs: () => number;
}

export function createRecordInbox({ node, present, nowMs }: RecordInboxDependencies): RecordInbox {
  let waiting: VersionedRecord | undefined;
  let sinceMs = 0;
  return {
    offer(offered) {
      const known = waiting ?? present();
      if (!hasKnown(offered.record, node)) return false;
      if (!isLater(known.record, known.version, offered.record, offered.version)) return false;
      if (waiting === undefined) sinceMs = nowMs();
      waiting = offered;
      return true;
    },
    async take(keep) {
      const taken = waiting;
      if (taken === undefined) return undefined;
      await keep(taken);
      if (waiting === taken) waiting = undefined;
      else sinceMs = nowMs();
      return taken;
    },
    waitingFor: (ms) => (nowMs() - sinceMs >= ms ? waiting?.record : undefined),
  };
}
