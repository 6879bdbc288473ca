import type { GroupRecord } from '../src/core/group-record.ts';
import { isLater, writtenBy } from '../src/core/record-home.ts';
import type { Mutable } from './mutable.ts';
import type { StorePort, Swap } from './store-port.ts';
import type { StoredRecord, Unanswered } from './virtual-store.ts';

/** What becomes of a question to the store that gets no answer. */
export type Lost = (unanswered: Unanswered) => void;

/** src/deciding/record-cell.ts over virtual time: what is known of the record, and the only way to change it. */
export interface VirtualCell {
  readonly known: StoredRecord;
  /** A write before had no certain outcome. */
  readonly isUncertain: boolean;
  /** Begins anew with what is known now. */
  begin(stored: StoredRecord): void;
  /** Reads the record where that is due. */
  refresh(then: () => void, lost: Lost): void;
  read(then: () => void, lost: Lost): void;
  swap(
    swap: Omit<Swap, 'expected'> & { readonly writer: string },
    then: (isWritten: boolean) => void,
    lost: Lost,
  ): void;
  /** What somebody says that the store has. */
  learn(stored: StoredRecord): void;
  /** What was read from the store by somebody else, or came with a watch. */
  observe(stored: StoredRecord): void;
}

export function createVirtualCell(
  port: StorePort,
  start: StoredRecord,
  onChange: (before: GroupRecord, now: StoredRecord) => void,
): VirtualCell {
  function change(stored: StoredRecord): void {
    const before = self.known.record;
    self.known = stored;
    onChange(before, stored);
  }

  const self: Mutable<VirtualCell> = {
    known: start,
    isUncertain: false,
    begin(stored) {
      self.known = stored;
      self.isUncertain = false;
    },
    refresh(then, lost) {
      if (self.isUncertain) self.read(then, lost);
      else then();
    },
    read(then, lost) {
      self.isUncertain = true;
      port.read((answer) => {
        if ('kind' in answer) return lost(answer);
        self.isUncertain = false;
        if (answer.version !== self.known.version) change(answer);
        then();
      });
    },
    swap({ next: decided, writer, ...rest }, then, lost) {
      const { version: expected } = self.known;
      const next = writtenBy(decided, writer, expected);
      self.isUncertain = true;
      port.swap({ ...rest, expected, next }, (outcome) => {
        if (outcome.kind === 'unanswered') return lost(outcome);
        if (outcome.kind === 'conflict') return self.read(() => then(false), lost);
        self.isUncertain = false;
        // The watch may have told it before.
        if (outcome.version > self.known.version) change({ version: outcome.version, record: next });
        then(true);
      });
    },
    learn(stored) {
      const { record, version } = self.known;
      if (isLater(record, version, stored.record, stored.version)) change(stored);
    },
    observe(stored) {
      if (stored.version > self.known.version) change(stored);
      else if (stored.version !== self.known.version) self.isUncertain = true;
    },
  };
  return self;
}
