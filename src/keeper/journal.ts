import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
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
  /** The term whose holder the data are a copy of, until the copy has been started; null: they are its own. */
  readonly copyOf: number | null;
  /** The incarnation of the home that the configuration was last made to name: from then on it counts, whatever it names. */
  readonly followed: string | null;
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
  copyOf: null,
  followed: null,
};

export type JournalChange = Partial<Omit<JournalEntry, 'schemaVersion'>>;

export interface Journal {
  /** What the keeper goes by: from the moment on at which it begins to be written. */
  readonly entry: JournalEntry;
  /** What is on disk. Only this may be told to others: a promise that a crash can take back is none (I7). */
  readonly durable: JournalEntry;
  /** Resolves when the change is on disk. Changes are written one after the other. */
  write(change: JournalChange): Promise<void>;
  /** After the writes that are under way. */
  close(): Promise<void>;
}

/** The file of a node's journal in its state directory. */
export const JOURNAL_FILE = 'journal.jsonl';

/** Above this the file is replaced by one line that says it all, bytes. */
const FULL_BYTES = 1024 * 1024;

/**
 * Reads the journal of a node, or begins one. Throws BATON_DATA_DIRECTORY when
 * it is damaged.
 *
 * The file is a line for each change, and a change is appended and synced: a
 * failover waits for several of them, and to replace a file takes five times
 * as long.
 */
export async function openJournal(stateDirectory: string): Promise<Journal> {
  const file = join(stateDirectory, JOURNAL_FILE);
  const found = await read(file);
  let { entry } = found;
  let durable = entry;
  // undefined: what the file ends with is not known, so it can't be appended to.
  let bytes: number | undefined = found.bytes;
  let handle: FileHandle | undefined;
  let tail: Promise<void> = Promise.resolve();

  async function closeFile(): Promise<void> {
    await handle?.close();
    handle = undefined;
  }

  async function append(change: JournalChange, changed: JournalEntry): Promise<void> {
    const present = bytes;
    bytes = undefined;
    if (present === undefined || present >= FULL_BYTES) {
      await closeFile();
      const whole = entry;
      const line = toLine(whole);
      await writeFileAtomically(file, line, { mode: 0o600 });
      bytes = Buffer.byteLength(line);
      durable = whole;
      return;
    }
    const line = toLine(change);
    handle ??= await open(file, 'a');
    await handle.writeFile(line);
    await handle.datasync();
    bytes = present + Buffer.byteLength(line);
    durable = changed;
  }

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
      // A failed write must not keep the next one from being tried.
      tail = tail
        .catch(() => undefined)
        .then(() => append(change, changed))
        .catch((error: unknown) => {
          throw cantBeWritten(file, error);
        });
      return tail;
    },
    async close() {
      await tail.catch(() => undefined);
      await closeFile();
    },
  };
}

function cantBeWritten(file: string, cause: unknown): BatonError {
  return new BatonError('BATON_DATA_DIRECTORY', `the journal "${file}" can't be written`, {
    detail: `${(cause as Error).message}.`,
    hint: 'The keeper tries again by itself. Make room on its disk, or repair it.',
    cause,
  });
}

/** A checksum of the rest of the line, so that damage is told from a line that a crash has cut off. */
function toLine(change: JournalChange): string {
  const text = JSON.stringify(change);
  return `${checksum(text)} ${text}\n`;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

interface Found {
  readonly entry: JournalEntry;
  readonly bytes: number | undefined;
}

async function read(file: string): Promise<Found> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entry: EMPTY, bytes: undefined };
    throw damaged(file, error);
  }
  const lines = text.split('\n');
  // What a crash has cut off was never answered to anybody. The first line was made whole, under another name.
  const cutOff = lines.pop() ?? '';
  if (lines.length === 0) throw damaged(file, new Error('it has no whole line'));
  const changes = lines.map((line, index) => {
    if (line.slice(0, 9) !== `${checksum(line.slice(9))} `)
      throw damaged(file, new Error(`the checksum of line ${index + 1} does not fit`));
    return JSON.parse(line.slice(9)) as Partial<JournalEntry>;
  });
  const entry: JournalEntry = Object.assign({}, EMPTY, ...changes) as JournalEntry;
  if (entry.schemaVersion !== 1)
    throw damaged(file, new Error('it was written by a newer version of pgbaton'));
  return { entry, bytes: cutOff === '' ? Buffer.byteLength(text) : undefined };
}

function damaged(file: string, cause: unknown): BatonError {
  return new BatonError('BATON_DATA_DIRECTORY', `the journal "${file}" can't be read`, {
    detail: cause instanceof Error ? cause.message : String(cause),
    hint: 'It holds what this node has promised. Restore the file; or drop the node from the group and create it anew.',
    cause,
  });
}
