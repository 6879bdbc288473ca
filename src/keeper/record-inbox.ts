import type { GroupRecord } from '../core/group-record.ts';
import { isLater } from '../core/record-home.ts';

/** A record in a version of its store. */
export interface VersionedRecord {
  readonly version: number;
  readonly record: GroupRecord;
}

/** The newest record that has come in, until it is acted on. */
export interface RecordInbox {
  /** Drops what is no later than the record that waits, or than the one that is acted on; returns whether it was kept. */
  offer(offered: VersionedRecord): boolean;
  /**
   * Resolves with the record that waits, once `keep` has written it down;
   * undefined: none waits. One that could not be written waits on: nobody sends
   * it again as long as the group is quiet.
   */
  take(keep: (waiting: VersionedRecord) => Promise<void>): Promise<VersionedRecord | undefined>;
}

/** `present`: what is acted on now. */
export function createRecordInbox(
  present: () => { readonly version: number; readonly record: GroupRecord | null },
): RecordInbox {
  let waiting: VersionedRecord | undefined;
  return {
    offer(offered) {
      const known = waiting ?? present();
      if (!isLater(known.record, known.version, offered.record, offered.version)) return false;
      waiting = offered;
      return true;
    },
    async take(keep) {
      const taken = waiting;
      if (taken === undefined) return undefined;
      await keep(taken);
      if (waiting === taken) waiting = undefined;
      return taken;
    },
  };
}
