import type { Evidence } from '../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import type { Caller, RecoveryRequest } from '../src/core/recover-group.ts';
import type { KeeperLink } from './keeper-link.ts';
import type { VirtualProcess } from './process.ts';
import type { Ask, Then } from './virtual-decider.ts';
import type { StoredRecord, VirtualStore } from './virtual-store.ts';

/** Where the record of a group lives, and who decides for it. */
export interface Home {
  /** The monitor, or the store where the keepers decide. */
  readonly process: VirtualProcess;
  readonly store: VirtualStore;
  /** The line of a keeper to those who decide; to be opened in each of its lives. */
  connect(keeper: ConnectedKeeper): KeeperLink;
  /** The streams of records to all keepers are gone, and their other ends do not know. */
  dropWatches(): void;
  /** Somebody is there who takes what people ask for. */
  isListening(): boolean;
  /** A node that joins asks for its place. */
  register(ask: Ask): void;
  /** `then` is called at once by a monitor. Whoever dies on it tells nobody. */
  request(ask: Ask, then: Then): void;
  /** A request waits for its answer, and somebody lives who would give it. */
  isAsked(): boolean;
  /** What a decider knows that is not behind. */
  evidence(): Evidence;
  /** What each of those who decide knows. */
  views(): readonly Evidence[];
  /** The store was lost or restored from a copy, and nobody has recovered the group since. */
  readonly isRestored: boolean;
  /** The file of the store is gone (undefined), or is again what it was. */
  restore(copy: StoredRecord | undefined): void;
  /** Who reports, with the record of each: what `store recover` goes by. */
  callers(): readonly Caller[];
  /** The copy of the store turned out to be the present one. */
  trust(): void;
  /** `pgbaton store recover`. */
  recover(request: RecoveryRequest, then: Then): void;
  begin(): void;
  kill(): void;
  /** Told of every decision that is durable. */
  onSwap: (before: GroupRecord, next: GroupRecord) => void;
  /** Asked around each swap: whether the process dies there; null: it does not. */
  diesHere: (() => boolean) | null;
}

export interface ConnectedKeeper {
  readonly node: NodeId;
  readonly process: VirtualProcess;
  /** The record on its disk. */
  readonly journalled: () => StoredRecord | null;
}
