import { BatonError } from '../lib/baton-error.ts';

/** SQLite's primary result codes (the lower byte of `errcode`) that people can act on. */
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** What a failure of SQLite means for the person in front of it. */
export function toStoreError(thrown: unknown, file: string): BatonError {
  if (thrown instanceof BatonError) return thrown;
  const code = thrown instanceof Error && 'errcode' in thrown ? Number(thrown.errcode) & 0xff : 0;
  const detail = thrown instanceof Error ? `${thrown.message}.` : String(thrown);
  if (code === SQLITE_BUSY) {
    return new BatonError('BATON_ALREADY_RUNNING', `the store "${file}" is in use by another process`, {
      detail,
      hint: 'A monitor runs on this directory already: "pgbaton status" shows it, "pgbaton stop" ends it.',
      cause: thrown,
    });
  }
  const { message, hint } = explain(code, file);
  return new BatonError('BATON_STORE_UNAVAILABLE', message, { detail, hint, cause: thrown });
}

function explain(code: number, file: string): { readonly message: string; readonly hint: string } {
  switch (code) {
    case SQLITE_FULL:
      return {
        message: `the disk that holds the store "${file}" is full`,
        hint: 'Free some space: the monitor goes on by itself, and the groups serve clients meanwhile.',
      };
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return {
        message: `the store "${file}" can not be opened for writing`,
        hint: 'Check that the directory exists and belongs to the user who runs the monitor.',
      };
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {
        message: `the store "${file}" is damaged`,
        hint: 'Put a backup of the monitor directory in its place, or create a new monitor and register the nodes again: their data is not touched.',
      };
    default:
      return {
        message: `the store "${file}" failed`,
        hint: 'Look at the log of the machine for errors of its disk.',
      };
  }
}
