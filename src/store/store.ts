/**
 * What the place that keeps the groups' records must guarantee. Every home
 * (memory, SQLite, later etcd) proves it with test/contract/store-contract.ts.
 */
export interface Store extends AsyncDisposable {
  /** Random, made with the store. Another one means: versions seen before say nothing about this store. */
  readonly incarnation: string;

  /** Linearizable read of one key. */
  get(key: string, call: Deadline): Promise<Versioned | undefined>;

  /** Every key that begins with `prefix`, by key, and the version from which a watch goes on without a gap. */
  list(prefix: string, call: Deadline): Promise<Listing>;

  /**
   * Writes all changes, or none. A conflict is an answer. Rejects with
   * BATON_STORE_UNAVAILABLE when the outcome is unknown: the caller must then
   * read before it writes again. What was answered is durable.
   */
  swap(swap: Swap, call: Deadline): Promise<SwapResult>;

  /** A promise to stay alive. Keys bound to it vanish when it is not renewed for `ttlMs`. */
  lease(ttlMs: number, call: Deadline): Promise<Lease>;

  /**
   * Yields every swap after version `from` that touches `prefix`, in order,
   * each once; `start_again` as the last message when `from` is older than
   * what is remembered: read anew with {@link list}. Ends when `signal` aborts
   * or the store closes.
   */
  watch(prefix: string, from: Version, signal: AbortSignal): AsyncIterable<WatchMessage>;

  /** Notes of the given topic (all: undefined), oldest first. */
  readNotes(query: NoteQuery, call: Deadline): Promise<readonly StoredNote[]>;

  /** Deletes notes written before `olderThanMs` (wall clock, epoch ms), and the oldest beyond `keep`. */
  trimNotes(limits: { readonly olderThanMs: number; readonly keep: number }, call: Deadline): Promise<number>;
}

/** Grows with every swap of a store, in some homes by more than one; a key has the version of the swap that wrote it last, so none comes twice. */
export type Version = number;

export interface Versioned {
  readonly value: string;
  readonly version: Version;
}

export interface Listing {
  readonly version: Version;
  readonly entries: readonly (Versioned & { readonly key: string })[];
}

/** One transaction. */
export interface Swap {
  readonly changes: readonly Change[];
  readonly guards?: readonly Guard[];
  /** Added to the store's history in the same transaction. */
  readonly notes?: readonly Note[];
}

export interface Change {
  readonly key: string;
  /** The version that the writer has read; null: the key is absent. */
  readonly expected: Version | null;
  /** null deletes the key. */
  readonly value: string | null;
  /** The key vanishes with this lease. */
  readonly lease?: Lease;
}

/** What else must hold for a swap to be written. */
export type Guard =
  | { readonly kind: 'version'; readonly key: string; readonly expected: Version | null }
  | { readonly kind: 'lease'; readonly lease: Lease };

export type SwapResult =
  | { readonly kind: 'written'; readonly version: Version; readonly noteIds: readonly number[] }
  | { readonly kind: 'conflict'; readonly key: string; readonly current: Versioned | undefined }
  | { readonly kind: 'lease_lost' };

/** One line of history: kept for people, never read by a decision. */
export interface Note {
  readonly topic: string;
  /** Wall clock of the writer, epoch ms: for people and for retention. */
  readonly atMs: number;
  readonly text: string;
  /** What only somebody who asks for it is to be given: it may be much larger than the text. */
  readonly details?: string;
}

export interface StoredNote extends Note {
  /** Grows with each note of the store. */
  readonly id: number;
}

export interface NoteQuery {
  /** Notes whose topic is this one or begins with it and a "/"; undefined: all. */
  readonly topic?: string | undefined;
  /** Only notes with a greater id. */
  readonly after?: number | undefined;
  /** Only notes with a smaller id. */
  readonly before?: number | undefined;
  /** The newest so many of them. */
  readonly limit: number;
  /** With the details of the notes, which are left out otherwise. */
  readonly details?: boolean | undefined;
}

export type WatchMessage =
  | { readonly kind: 'swapped'; readonly version: Version; readonly changes: readonly WatchedChange[] }
  | { readonly kind: 'start_again' };

export interface WatchedChange {
  readonly key: string;
  /** null: deleted, or its lease ended. */
  readonly value: string | null;
}

export interface Lease {
  readonly id: number;
  /** Until then, on the holder's monotonic clock, the lease is certainly held: measured from before it was asked for. */
  heldUntilMs(): number;
  /** Resolves with the new {@link heldUntilMs}. Rejects with BATON_REFUSED when the lease has ended. */
  renew(call: Deadline): Promise<number>;
  /** Ends it now. No error when it has ended already. */
  release(call: Deadline): Promise<void>;
  /** Calls back once when it is lost, by time or by the store's word; at once when it is lost already. Not after a release. */
  onLost(listener: () => void): void;
}

/** No call without a deadline: an unanswered store must never hold up the loop of a keeper or monitor. */
export interface Deadline {
  readonly timeoutMs: number;
}

/** Time as the store sees it; tests and the simulator bring their own. */
export interface StoreClock {
  /** Monotonic, ms. */
  now(): number;
  /** Calls back once after `ms`; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}
