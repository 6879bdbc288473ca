import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pledge } from '../core/evidence.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { BatonError } from '../lib/baton-error.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';

/** All that a keeper must know after SIGKILL at any moment. What can be observed anew is not in it. */
export interface JournalEntry {
  readonly schemaVersion: 1;
  /** The newest record seen; a store that offers an older one has been restored from a backup. */
  readonly record: GroupRecord | null;
  readonly recordVersion: number;
  /** The number of the last start of a keeper: greater each time. */
  readonly session: number;
  /** The highest term promised, with the position that can no longer grow (I7, I8). */
  readonly pledge: Pledge | null;
  /** The last term in which this node began to be the primary: written before the promotion. */
  readonly promotedTerm: number | null;
  /** The term in which clients were let in; cleared before every start and promotion. */
  readonly servingTerm: number | null;
  /** Permissions of the present reign to restart in place that were used. */
  readonly restartsUsed: number;
  /** The latest term that this node was made to receive from: written before it could. */
  readonly followedTerm: number;
  /** The term whose holder the data are a copy of, until the copy has been started; null: they are its own. */
  readonly copyOf: number | null;
}

const EMPTY: JournalEntry = {
  schemaVersion: 1,
  record: null,
  recordVersion: 0,
  session: 0,
  pledge: null,
  promotedTerm: null,
  servingTerm: null,
  restartsUsed: 0,
  followedTerm: 0,
  copyOf: null,
};

export interface Journal {
  /** What the keeper goes by: from the moment on at which it begins to be written. */
  readonly entry: JournalEntry;
  /** What is on disk. Only this may be told to others: a promise that a crash can take back is none (I7). */
  readonly durable: JournalEntry;
  /** Resolves when the change is on disk. Changes are written one after the other. */
  write(change: Partial<Omit<JournalEntry, 'schemaVersion'>>): Promise<void>;
}

/** Reads the journal of a node, or begins one. Throws BATON_DATA_DIRECTORY when it is damaged. */
export async function openJournal(stateDirectory: string): Promise<Journal> {
  const file = join(stateDirectory, 'journal.json');
  let entry = await read(file);
  let durable = entry;
  let tail: Promise<void> = Promise.resolve();

  return {
    get entry() {
      return entry;
    },
    get durable() {
      return durable;
    },
    write(change) {
      const changed = { ...entry, ...change };
      entry = changed;
      const text = `${JSON.stringify(entry)}\n`;
      // A failed write must not keep the next one from being tried.
      tail = tail
        .catch(() => undefined)
        .then(() => writeFileAtomically(file, text, { mode: 0o600 }))
        .then(() => void (durable = changed));
      return tail;
    },
  };
}

async function read(file: string): Promise<JournalEntry> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY;
    throw damaged(file, error);
  }
  try {
    const entry = JSON.parse(text) as JournalEntry;
    if (entry.schemaVersion === 1) return { ...EMPTY, ...entry };
  } catch (error) {
    throw damaged(file, error);
  }
  throw damaged(file, new Error('it was written by a newer version of pgbaton'));
}

function damaged(file: string, cause: unknown): BatonError {
  return new BatonError('BATON_DATA_DIRECTORY', `the journal "${file}" can't be read`, {
    detail: cause instanceof Error ? cause.message : String(cause),
    hint: 'It holds what this node has promised. Restore the file; or drop the node from the group and create it anew.',
    cause,
  });
}
