import { randomUUID } from 'node:crypto';
import { REMEMBERED_COMMITS, type Backend, type PastCommit, type StoredLease } from './backend.ts';
import type { StoredNote, Versioned } from './store.ts';

interface Entry extends Versioned {
  readonly lease: number | null;
}

/** Keeps everything in memory: for tests and the simulator. */
export function createMemoryBackend(): Backend {
  const entries = new Map<string, Entry>();
  const leases = new Map<number, StoredLease>();
  let commits: PastCommit[] = [];
  let notes: StoredNote[] = [];
  let version = 0;
  let lastNoteId = 0;

  return {
    incarnation: randomUUID(),
    version: () => version,
    read: (key) => strip(entries.get(key)),
    list: (prefix) =>
      [...entries]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, entry]) => ({ key, value: entry.value, version: entry.version })),
    commit(commit) {
      version = commit.version;
      for (const { key, value, lease } of commit.changes) {
        if (value === null) entries.delete(key);
        else entries.set(key, { value, version, lease });
      }
      if (commit.leaseGranted) leases.set(commit.leaseGranted.id, commit.leaseGranted);
      if (commit.leaseEnded !== undefined) leases.delete(commit.leaseEnded);
      const changes = commit.changes.map(({ key, value }) => ({ key, value }));
      commits = [...commits, { version, changes }].slice(-REMEMBERED_COMMITS);
      const added = commit.notes.map((note) => ({ ...note, id: ++lastNoteId }));
      notes.push(...added);
      return added.map(({ id }) => id);
    },
    commitsAfter(from) {
      if (from < version - commits.length) return undefined;
      return commits.filter((commit) => commit.version > from);
    },
    leases: () => [...leases.values()],
    keysOfLease: (lease) => [...entries].filter(([, entry]) => entry.lease === lease).map(([key]) => key),
    readNotes: ({ topic, after = 0, before = Infinity, limit, details = false }) =>
      notes
        .filter(({ id }) => id > after && id < before)
        .filter((note) => topic === undefined || `${note.topic}/`.startsWith(`${topic}/`))
        .slice(-limit)
        .map((note) => (details ? note : withoutDetails(note))),
    trimNotes({ olderThanMs, keep }) {
      const before = notes.length;
      notes = notes.filter((note) => note.atMs >= olderThanMs).slice(-keep);
      return before - notes.length;
    },
    close: () => undefined,
  };
}

function withoutDetails({ id, topic, atMs, text }: StoredNote): StoredNote {
  return { id, topic, atMs, text };
}

function strip(entry: Entry | undefined): Versioned | undefined {
  return entry && { value: entry.value, version: entry.version };
}
