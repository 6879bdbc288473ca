import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { BatonError } from '../lib/baton-error.ts';
import { isAlive, readProcess } from './process.ts';

export interface PidFileLock {
  release(): Promise<void>;
}

/**
 * Makes this process the only one for a directory. The pid stands in the file
 * with the start of the process, so that a number that was given to somebody
 * else after a crash locks nobody out. Throws BATON_ALREADY_RUNNING.
 */
export async function lockPidFile(file: string): Promise<PidFileLock> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${process.pid}\n${readProcess(process.pid)?.startTicks}\n`);
  try {
    // Linked when it is whole: an empty file that somebody is still writing would look like a left-over.
    if (!(await linked(draft, file))) {
      const running = await readPidFile(file);
      if (running !== undefined) throw alreadyRunning(file, running);
      await rm(file, { force: true });
      if (!(await linked(draft, file))) throw alreadyRunning(file, await readPidFile(file));
    }
  } finally {
    await rm(draft, { force: true });
  }
  return { release: () => rm(file, { force: true }) };
}

/** The pid of the process that holds a pid file, if it lives. */
export async function readPidFile(file: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [pid = Number.NaN, startTicks] = text.split('\n').map(Number);
  return isAlive(pid) && readProcess(pid)?.startTicks === startTicks ? pid : undefined;
}

async function linked(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function alreadyRunning(file: string, pid: number | undefined): BatonError {
  return new BatonError('BATON_ALREADY_RUNNING', 'pgbaton runs for this directory already', {
    detail:
      pid === undefined ? `"${file}" is being written by another process.` : `Its pid is ${pid} (${file}).`,
    hint: '`pgbaton stop` ends it.',
  });
}
