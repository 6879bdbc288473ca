import { mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import { syncDirectory, writeFileAtomically } from './atomic-file.ts';
import { timeoutError, type TimeLimit } from './clock.ts';

/**
 * The only door to files that lie on a disk which may hang.
 *
 * File operations run in libuv's pool of four threads. A hung disk keeps each
 * of them for as long as it hangs, and with four of them gone the whole
 * program stands still. So the door lets one operation through at a time; once
 * one of them has passed its time limit, the others fail at once with
 * BATON_TIMEOUT, until it has come back.
 */
export interface Disk {
  /** Runs work that touches the disk. `signal` aborts when its time is over: look at it between two steps. */
  run<T>(what: string, limit: TimeLimit, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** undefined when there is no such file. */
  readText(path: string, limit: TimeLimit): Promise<string | undefined>;
  /** Replaces the file atomically and durably. */
  writeText(path: string, content: string, mode: number, limit: TimeLimit): Promise<void>;
  /** No error when it is not there. Not for trees that may be large. */
  remove(path: string, limit: TimeLimit): Promise<void>;
  makeDirectory(path: string, mode: number, limit: TimeLimit): Promise<void>;
  /** The names in a directory; undefined when there is no such directory. */
  list(path: string, limit: TimeLimit): Promise<readonly string[] | undefined>;
  exists(path: string, limit: TimeLimit): Promise<boolean>;
  /** Another one whenever the file has been replaced or written; undefined when there is no such file. */
  stamp(path: string, limit: TimeLimit): Promise<string | undefined>;
  /** The path without symbolic links; undefined when it does not exist. */
  canonicalPath(path: string, limit: TimeLimit): Promise<string | undefined>;
  /** Whether an operation hangs now. */
  isStuck(): boolean;
}

/** One for each disk that may hang by itself. */
export function createDisk(): Disk {
  let last: Promise<unknown> = Promise.resolve();
  let stuck: string | undefined;
  const waiting = new Set<(error: BatonError) => void>();

  const run = async <T>(
    what: string,
    limit: TimeLimit,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    if (stuck !== undefined) throw stuckError(what, stuck);
    const { promise: outcome, resolve, reject } = Promise.withResolvers<T>();
    const abort = new AbortController();
    const giveUp = (error: BatonError): void => {
      abort.abort(error);
      reject(error);
    };
    const failBehind = (error: BatonError): void => giveUp(stuckError(what, error.message));
    let begun = false;
    const timer = setTimeout(() => {
      const error = timeoutError(what, limit.timeoutMs, 'The disk does not answer.');
      giveUp(error);
      if (!begun) return;
      // Only the operation at the disk can be what hangs; those behind it are its victims.
      stuck = what;
      for (const fail of waiting) fail(error);
    }, limit.timeoutMs);
    waiting.add(failBehind);

    const turn = async (): Promise<void> => {
      waiting.delete(failBehind);
      try {
        abort.signal.throwIfAborted();
        begun = true;
        resolve(await work(abort.signal));
      } catch (error) {
        reject(diskError(what, error));
      } finally {
        clearTimeout(timer);
        if (begun && abort.signal.aborted) stuck = undefined;
      }
    };
    last = last.then(turn);
    return outcome;
  };

  return {
    run,
    isStuck: () => stuck !== undefined,
    readText: (path, limit) =>
      run(`reading "${path}"`, limit, () => readFile(path, 'utf8').catch(ifMissing(undefined))),
    writeText: (path, content, mode, limit) =>
      run(`writing "${path}"`, limit, (signal) => writeFileAtomically(path, content, { mode, signal })),
    remove: (path, limit) =>
      run(`removing "${path}"`, limit, async () => {
        await rm(path, { force: true });
        await syncDirectory(dirname(path)).catch(ifMissing(undefined));
      }),
    makeDirectory: (path, mode, limit) =>
      run(`making directory "${path}"`, limit, async () => {
        await mkdir(path, { recursive: true, mode });
      }),
    list: (path, limit) => run(`listing "${path}"`, limit, () => readdir(path).catch(ifMissing(undefined))),
    exists: (path, limit) =>
      run(`looking for "${path}"`, limit, () => stat(path).then(() => true, ifMissing(false))),
    stamp: (path, limit) =>
      run(`looking at "${path}"`, limit, () =>
        stat(path, { bigint: true }).then(
          ({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`,
          ifMissing(undefined),
        ),
      ),
    canonicalPath: (path, limit) =>
      run(`resolving "${path}"`, limit, () => realpath(path).catch(ifMissing(undefined))),
  };
}

function ifMissing<T>(answer: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return answer;
    throw error;
  };
}

function stuckError(what: string, culprit: string): BatonError {
  return new BatonError('BATON_TIMEOUT', `${what} was not tried because the disk hangs`, {
    detail: `Not done yet: ${culprit}.`,
    hint: "Look at the machine's kernel log and at the storage below the data directory.",
  });
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full. Free some space; PostgreSQL itself needs it as well.',
  EDQUOT: 'The disk quota is used up.',
  EROFS: 'The file system is read-only. The kernel remounts a file system so after errors of the disk.',
  EACCES:
    'The data directory and all that is in it must belong to the user that runs pgbaton and PostgreSQL.',
  EPERM: 'The data directory and all that is in it must belong to the user that runs pgbaton and PostgreSQL.',
  EIO: "The disk reports an error. Look at the machine's kernel log.",
};

function diskError(what: string, error: unknown): unknown {
  const { code, message, path } = error as NodeJS.ErrnoException;
  if (error instanceof BatonError || code === undefined) return error;
  return new BatonError('BATON_DATA_DIRECTORY', `${what} failed: ${describe(code, message)}`, {
    detail: path === undefined ? undefined : `${code} at "${path}" in "${basename(dirname(path))}".`,
    hint: HINTS[code],
    cause: error,
  });
}

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'the disk reports an error',
};

function describe(code: string, message: string): string {
  return WORDS[code] ?? message;
}
