import { existsSync, lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';

export interface Destruction {
  /** Removed one after the other; those that do not exist are passed over. */
  readonly directories: readonly string[];
  /** A directory is only removed when it is empty or has one of these files: it is what it should be. */
  readonly marks: readonly string[];
}

/**
 * Removes directories with all that is in them. Returns what symbolic
 * links in them led to (tablespaces, a WAL directory of its own), which is
 * left. Throws BATON_DATA_DIRECTORY, before anything is removed, for a
 * directory that looks like somebody else's.
 */
export function destroyDirectories({ directories, marks }: Destruction): {
  readonly left: readonly string[];
} {
  const existing = directories.filter((directory) => existsSync(directory));
  for (const directory of existing) checkMark(directory, marks);
  const left = existing.flatMap(linkedFrom);
  for (const directory of existing) removeTree(directory);
  return { left };
}

function checkMark(directory: string, marks: readonly string[]): void {
  const entries = readdirSync(directory);
  if (entries.length === 0 || marks.some((mark) => entries.includes(mark))) return;
  throw new BatonError(
    'BATON_DATA_DIRECTORY',
    `"${directory}" was not removed, because it does not look like pgbaton's`,
    {
      detail: `It has no ${marks.join(' and no ')}.`,
      hint: 'Look at it, and remove it yourself.',
    },
  );
}

/** Where PostgreSQL keeps data outside of its data directory. */
function linkedFrom(directory: string): readonly string[] {
  const tablespaces = join(directory, 'pg_tblspc');
  const places = [
    join(directory, 'pg_wal'),
    ...(existsSync(tablespaces) ? readdirSync(tablespaces).map((entry) => join(tablespaces, entry)) : []),
  ];
  return places
    .filter((place) => existsSync(place) && lstatSync(place).isSymbolicLink())
    .map((place) => realpathSync(place));
}

function removeTree(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A mount point can be emptied and not be removed.
    if (code === 'EBUSY' && readdirSync(directory).length === 0) return;
    throw new BatonError('BATON_DATA_DIRECTORY', `could not remove "${directory}"`, {
      detail: message,
      hint: 'Run pgbaton as its owner.',
      cause: error,
    });
  }
}
