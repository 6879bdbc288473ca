import { DEFAULT_SETTINGS, emptyRecord, type GroupRecord } from '../core/group-record.ts';
import { isLater, isSameStamp, stampOf } from '../core/record-home.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { Guard, Note, Store } from '../store/store.ts';
import { recordKey } from './record-key.ts';

/** A record as it stands in the store. */
export interface StoredRecord {
  readonly record: GroupRecord;
  /** {@link ABSENT} where the store has lost it: the record is an empty one then. */
  readonly version: number;
}

/** No store has a version 0. */
const ABSENT = 0;

/** Settings that a newer version brought have their defaults in a record of an older one. */
export function parseRecord(text: string): GroupRecord {
  const record = JSON.parse(text) as GroupRecord;
  return { ...record, settings: { ...DEFAULT_SETTINGS, ...record.settings } };
}

/** One group's record: what is known of it, and the only way to change it. */
export interface RecordCell {
  current(): StoredRecord;
  /** Reads the record when a write before had no certain outcome. Throws what the store throws. */
  refresh(): Promise<void>;
  /** As {@link refresh}, in any case. */
  read(): Promise<void>;
  /**
   * Swaps on exactly the version that is known. undefined: somebody else was
   * faster, and what they wrote is known now. Throws BATON_STORE_UNAVAILABLE
   * when the outcome is unknown; the next {@link refresh} finds out.
   */
  swap(
    next: GroupRecord,
    notes: readonly Note[],
    guards?: readonly Guard[],
  ): Promise<{ readonly noteIds: readonly number[] } | undefined>;
  /** What somebody says that the store has, if it is a later version of what is known. */
  learn(stored: StoredRecord): void;
  /**
   * What was read from the store; undefined: it has none. Where that can't
   * follow on what is known it was only held up, or the store was put back
   * from a backup or made anew: the next {@link refresh} finds out.
   */
  observe(stored: StoredRecord | undefined): void;
  /** A {@link refresh} is due. */
  isUncertain(): boolean;
}

const CALL = { timeoutMs: 5_000 };

/** `onChange` is told each record that becomes known, before anything else happens. */
export function createRecordCell(
  store: Store,
  start: StoredRecord,
  onChange: (before: GroupRecord, now: StoredRecord) => void,
): RecordCell {
  const { formation, group } = start.record;
  const key = recordKey(formation, group);
  let known = start;
  let isUncertain = false;

  function learn(now: StoredRecord): void {
    const before = known.record;
    known = now;
    onChange(before, now);
  }

  /** A group that has just moved here may have had the same version where it was. */
  const isKnown = ({ record, version }: StoredRecord): boolean =>
    isSameStamp(stampOf(record, version), stampOf(known.record, known.version));

  async function read(): Promise<void> {
    const stored = await store.get(key, CALL);
    if (stored === undefined) return lose();
    isUncertain = false;
    const now = { record: parseRecord(stored.value), version: stored.version };
    if (!isKnown(now)) learn(now);
  }

  /** A group that has nodes is never removed: then the store was made anew, and has nothing in common with the record. */
  function lose(): void {
    if (known.version !== ABSENT && known.record.nodes.length === 0) {
      throw new BatonError('BATON_FORMATION_NOT_FOUND', `group ${group} of formation "${formation}" is gone`);
    }
    isUncertain = false;
    if (known.version === ABSENT) return;
    const { settings } = known.record;
    learn({ record: emptyRecord(formation, group, settings, store.incarnation), version: ABSENT });
  }

  return {
    current: () => known,
    read,
    isUncertain: () => isUncertain,
    learn(stored) {
      if (isLater(known.record, known.version, stored.record, stored.version)) learn(stored);
    },
    observe(stored) {
      if (stored === undefined) isUncertain ||= known.version !== ABSENT;
      else if (stored.version > known.version) learn(stored);
      else if (!isKnown(stored)) isUncertain = true;
    },
    async refresh() {
      if (isUncertain) await read();
    },
    async swap(next, notes, guards = []) {
      isUncertain = true;
      const expected = known.version === ABSENT ? null : known.version;
      const change = { key, expected, value: JSON.stringify(next) };
      const result = await store.swap({ changes: [change], guards, notes }, CALL);
      if (result.kind !== 'written') {
        await read();
        return undefined;
      }
      isUncertain = false;
      // What is written is told by the watch of a shared store too, perhaps before this answer.
      if (result.version > known.version) learn({ record: next, version: result.version });
      return { noteIds: result.noteIds };
    },
  };
}
