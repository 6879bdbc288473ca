import type { GroupRecord } from '../src/core/group-record.ts';
import type { StoredRecord, SwapOutcome, Unanswered } from './virtual-store.ts';

/** What a decider asks the store to write. */
export interface Swap {
  /** Written on exactly this version. */
  readonly expected: number;
  readonly next: GroupRecord;
  /** And only while nobody has the lease. */
  readonly needsNoLease: boolean;
  /** For the story. */
  readonly why: string;
}

/** The store as a decider reaches it, beside it or across the network: the answer comes now, later, or not to a process that dies. */
export interface StorePort {
  read(then: (answer: StoredRecord | Unanswered) => void): void;
  swap(swap: Swap, then: (outcome: SwapOutcome) => void): void;
  /** The term that has a lease; null: none. */
  leaseTerm(then: (answer: { readonly term: number | null } | Unanswered) => void): void;
}
