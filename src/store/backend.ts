import type { Note, NoteQuery, StoredNote, Version, Versioned, WatchedChange } from './store.ts';

/**
 * Where a store in this process keeps its data: plain reads and one write.
 * Synchronous, so nothing can come between a check and the write that rests on
 * it. Throws BATON_STORE_UNAVAILABLE when the medium fails.
 */
export interface Backend {
  readonly incarnation: string;
  /** The version of the last commit; 0 before the first. */
  version(): Version;
  read(key: string): Versioned | undefined;
  list(prefix: string): readonly (Versioned & { readonly key: string })[];
  /** All or nothing, and durable once it returns. Returns the ids of the notes. */
  commit(commit: Commit): readonly number[];
  /** The commits after `from`, in order; undefined when some of them are forgotten. */
  commitsAfter(from: Version): readonly PastCommit[] | undefined;
  leases(): readonly StoredLease[];
  keysOfLease(lease: number): readonly string[];
  readNotes(query: NoteQuery): readonly StoredNote[];
  trimNotes(limits: { readonly olderThanMs: number; readonly keep: number }): number;
  close(): void;
}

export interface Commit {
  readonly version: Version;
  readonly changes: readonly StoredChange[];
  readonly notes: readonly Note[];
  readonly leaseGranted?: StoredLease;
  readonly leaseEnded?: number;
}

export interface StoredChange extends WatchedChange {
  readonly lease: number | null;
}

export interface PastCommit {
  readonly version: Version;
  readonly changes: readonly WatchedChange[];
}

export interface StoredLease {
  readonly id: number;
  readonly ttlMs: number;
}

/** How many commits are remembered for watchers that come back. */
export const REMEMBERED_COMMITS = 1_000;
