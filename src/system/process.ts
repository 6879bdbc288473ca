import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/*
 * What /proc tells of processes. All of it is answered from kernel memory, so
 * the synchronous calls can't hang on a disk. /proc/<pid>/cmdline and exe are
 * left alone: reading the first can block on a process that hangs in the
 * kernel, and the second says nothing that the command name does not.
 */

export interface ProcessInfo {
  readonly pid: number;
  /** The command name, at most 15 characters. */
  readonly name: string;
  /** One letter as in ps: R, S, D, T (stopped), Z (ended, not yet collected). */
  readonly state: string;
  readonly parentPid: number;
  /** In clock ticks since the machine's start: tells two users of one pid apart. */
  readonly startTicks: number;
}

/** undefined when there is no such process. */
export function readProcess(pid: number): ProcessInfo | undefined {
  const text = readProc(`${pid}/stat`);
  if (text === undefined) return undefined;
  // The name stands in parentheses and may itself contain spaces and parentheses.
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    state: fields[0] ?? '?',
    parentPid: Number(fields[1]),
    startTicks: Number(fields[19]),
  };
}

/** Whether the process still runs; one that has ended and was not collected by its parent does not. */
export function isAlive(pid: number): boolean {
  const found = readProcess(pid);
  return found !== undefined && found.state !== 'Z' && found.state !== 'X';
}

/** Whether the process was stopped, by SIGSTOP or a debugger: it takes no signal but SIGKILL and SIGCONT. */
export function isStopped(pid: number): boolean {
  return ['T', 't'].includes(readProcess(pid)?.state ?? '');
}

/** undefined when there is no such process, it has ended and was not collected yet, or it belongs to another user. */
export function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** How often the process has gone to sleep by itself; undefined when it is gone. */
export function voluntarySwitches(pid: number): number | undefined {
  const match = /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readProc(`${pid}/status`) ?? '');
  return match ? Number(match[1]) : undefined;
}

/** Every live process of one of these names that works in the directory (a canonical path). */
export function findProcessesIn(directory: string, names: readonly string[]): readonly ProcessInfo[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => readProcess(Number(entry)))
    .filter((found) => found !== undefined)
    .filter(({ name, state }) => names.includes(name) && state !== 'Z' && state !== 'X')
    .filter(({ pid }) => workingDirectory(pid) === directory);
}

/** Sends a signal; false when the process is gone. Throws when it belongs to somebody else. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    // ENOENT or ESRCH: it ended between two looks.
    return undefined;
  }
}
