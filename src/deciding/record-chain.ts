import type { EventBody } from '../api/schemas.ts';
import type { GroupRecord } from '../core/group-record.ts';
import type { StoredRecord } from './record-cell.ts';

/** What a change leaves with its event, so that it can be replayed. */
export type RecordLinks = Pick<EventBody, 'record' | 'record_read' | 'follows'>;

/**
 * Keeps the history of a record whole at the cost of one record a change: each
 * change says what resulted, and which change before it made the record that
 * it read. Where that is not known (after a start, or when somebody else has
 * written) the record read is kept in full.
 */
export interface RecordChain {
  link(read: StoredRecord, next: GroupRecord): RecordLinks;
  /** The change is in the store, with its event. */
  written(read: StoredRecord, next: GroupRecord): void;
}

export function createRecordChain(): RecordChain {
  let last: { readonly readVersion: number; readonly result: GroupRecord } | undefined;

  return {
    link(read, next) {
      // The same object, and not only the same version: a record that was read back may have been completed.
      return last?.result === read.record
        ? { record: next, follows: last.readVersion }
        : { record: next, record_read: read.record };
    },
    written: (read, next) => void (last = { readVersion: read.version, result: next }),
  };
}
