import { hasKnown, type GroupRecord, type NodeId } from '../src/core/group-record.ts';
import { isLater } from '../src/core/record-home.ts';
import type { StoredRecord } from './virtual-store.ts';

/** src/keeper/record-inbox.ts over virtual time: the newest record that has come in for a keeper. */
export interface RecordInbox {
  put(stored: StoredRecord): void;
  /** What waits, if it is a later version of this one: it is to be written down now. */
  takeNewest(than: {
    readonly record: GroupRecord | null;
    readonly version: number;
  }): StoredRecord | undefined;
  /** What was taken is on disk. */
  written(): void;
  /** It could not be written down, and waits on: nobody may send it again. */
  putBack(stored: StoredRecord): void;
  /** What is not on disk, if there has been something for so long, ms. */
  waitingFor(ms: number): GroupRecord | undefined;
}

export function createRecordInbox(node: NodeId, nowMs: () => number, onRecord: () => void): RecordInbox {
  let newest: StoredRecord | undefined;
  let taken: StoredRecord | undefined;
  let sinceMs = 0;
  return {
    put(stored) {
      if (!hasKnown(stored.record, node)) return;
      if (newest !== undefined && !isLater(newest.record, newest.version, stored.record, stored.version))
        return;
      if (newest === undefined && taken === undefined) sinceMs = nowMs();
      newest = stored;
      onRecord();
    },
    takeNewest(than) {
      const found = newest;
      newest = undefined;
      if (found === undefined || !isLater(than.record, than.version, found.record, found.version))
        return undefined;
      taken = found;
      return found;
    },
    written() {
      taken = undefined;
      sinceMs = nowMs();
    },
    putBack(stored) {
      taken = undefined;
      newest ??= stored;
    },
    waitingFor: (ms) => (nowMs() - sinceMs >= ms ? (newest ?? taken)?.record : undefined),
  };
}
