import type { GroupRecord } from '../src/core/group-record.ts';
import { writtenBy, type Contradiction } from '../src/core/record-home.ts';
import type { Mutable } from './mutable.ts';
import type { Random } from './random.ts';

/** A record as it stands in the store. */
export interface StoredRecord {
  readonly version: number;
  readonly record: GroupRecord;
}

/** No answer: what was asked may have been done. `afterMs`: when whoever asked knows that none will come. */
export interface Unanswered {
  readonly kind: 'unanswered';
  readonly afterMs: number;
}

export type SwapOutcome =
  { readonly kind: 'written'; readonly version: number } | { readonly kind: 'conflict' } | Unanswered;

/** The record of one group in a store like etcd: linearizable and durable, and not always there. */
export interface VirtualStore {
  /** What is durable, whoever knows of it. */
  readonly stored: StoredRecord;
  /** The newest of the versions that were ever written, oldest first. */
  readonly past: readonly StoredRecord[];
  read(): StoredRecord | Unanswered;
  /** Writes on exactly this version. */
  swap(expected: number, next: GroupRecord): SwapOutcome;
  /** The term that has a lease, at a moment of the store's own clock; null: none. */
  leaseTerm(nowMs: number): number | null;
  /** Takes a lease on exactly this version of the record, or renews that of the same term. */
  keepLease(
    lease: { readonly term: number; readonly untilMs: number },
    expected: number,
    nowMs: number,
  ): boolean;
  /** Which node was known to know better when the store was read last; as durable as the store. */
  contradiction: Contradiction | undefined;
  /** A new leader of etcd gives each lease that had not ended its whole time anew. */
  refreshLease(untilMs: number): void;
  /** Its file is another one: a copy, or a new one. */
  replace(copy: StoredRecord): void;
  /** It restarts, or has no leader: nothing is done and nothing is answered. */
  isDown: boolean;
  /** How often an answer to a swap is lost; what was asked is done or not. */
  lostReplies: number;
  /** How often somebody else is faster with a swap. */
  rivals: number;
  /** Told of each swap of the decider that is durable. */
  onSwap: (before: GroupRecord, stored: StoredRecord) => void;
}

/** How many versions a copy of the store can be behind. */
const REMEMBERED = 50;
/** The deadline of a call to the store, as in src/deciding/record-cell.ts, ms. */
const CALL_MS = 5_000;

export function createVirtualStore(random: Random, start: GroupRecord): VirtualStore {
  let lease = { term: 0, untilMs: -Infinity };

  /** Some errors are known at once, for some the deadline has to pass. */
  const unanswered = (): Unanswered => ({
    kind: 'unanswered',
    afterMs: random.chance(0.5) ? random.between(1, 20) : CALL_MS,
  });

  /** Somebody changes what is of no consequence: the version is another one now. */
  function overtake(): void {
    const { version, record } = self.stored;
    const settings = { ...record.settings, crashWindowMs: record.settings.crashWindowMs + 1 };
    write({ version: version + 1, record: writtenBy({ ...record, settings }, 'rival', version) });
  }

  function write(next: StoredRecord): void {
    self.stored = next;
    self.past = [...self.past.slice(-REMEMBERED), next];
  }

  const self: Mutable<VirtualStore> = {
    stored: { version: 0, record: start },
    past: [],
    leaseTerm: (nowMs) => (lease.untilMs > nowMs ? lease.term : null),
    keepLease(wanted, expected, nowMs) {
      if (self.isDown) return false;
      const isRenewal = self.leaseTerm(nowMs) === wanted.term;
      if (!isRenewal && (self.stored.version !== expected || (self.leaseTerm(nowMs) ?? 0) > wanted.term))
        return false;
      lease = wanted;
      return true;
    },
    contradiction: undefined,
    refreshLease(untilMs) {
      lease = { ...lease, untilMs };
    },
    replace(copy) {
      self.stored = copy;
      self.contradiction = undefined;
    },
    isDown: false,
    lostReplies: 0,
    rivals: 0,
    onSwap: () => undefined,
    read: () => (self.isDown ? unanswered() : self.stored),
    swap(expected, next) {
      if (self.isDown) return unanswered();
      if (self.rivals > 0 && random.chance(self.rivals)) overtake();
      if (self.stored.version !== expected) return { kind: 'conflict' };
      const isLost = self.lostReplies > 0 && random.chance(self.lostReplies);
      if (isLost && random.chance(0.5)) return unanswered();
      const before = self.stored.record;
      write({ version: expected + 1, record: next });
      self.onSwap(before, self.stored);
      return isLost ? unanswered() : { kind: 'written', version: self.stored.version };
    },
  };
  return self;
}
