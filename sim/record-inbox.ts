import { hasKnown, type GroupRecord, type NodeId } from '../src/core/group-record.ts';
import { isLater } from '../src/core/record-home.ts';
import type { StoredRecord } from './virtual-store.ts';

/** src/keeper/record-inbox.ts over virtual time: the newest record that has come in for a keeper. */
export interface RecordInbox {
  put(stored: StoredRecord): void;
  /** If it is a later version of this one. */
  takeNewest(than: {
    readonly record: GroupRecord | null;
    readonly version: number;
  }): StoredRecord | undefined;
  /** It could not be written down, and waits on: nobody may send it again. */
  putBack(stored: StoredRecord): void;
}

export function createRecordInbox(node: NodeId, onRecord: () => void): RecordInbox {
  let newest: StoredRecord | undefined;
  return {
    putBack: (stored) => void (newest ??= stored),
    put(stored) {
      if (!hasKnown(stored.record, node)) return;
      if (newest !== undefined && !isLater(newest.record, newest.version, stored.record, stored.version))
        return;
      newest = stored;
      onRecord();
    },
    takeNewest(than) {
      const found = newest;
      newest = undefined;
      if (found === undefined) return undefined;
      return isLater(than.record, than.version, found.record, found.version) ? found : undefined;
    },
  };
}
