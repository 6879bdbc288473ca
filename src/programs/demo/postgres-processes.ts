import { readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { sleep, startCountdown, type TimeLimit } from '../../system/clock.ts';
import {
  isAlive,
  readProcess,
  sendSignal,
  workingDirectory,
  type ProcessInfo,
} from '../../system/process.ts';

/** What keepers start. Others that work below the demo's directory, such as a user's shell, are left alone. */
const POSTGRES_PROGRAMS = new Set([
  'postgres',
  'initdb',
  'pg_ctl',
  'pg_basebackup',
  'pg_rewind',
  'pg_controldata',
  'pg_waldump',
]);

/** Servers that do not end when they are asked to are killed after this time, ms. */
const PATIENCE_MS = 3_000;

/**
 * Every live PostgreSQL program that works in a directory or below it (a
 * canonical path). A server works in its data directory, so none is missed,
 * whoever its parent is by now.
 */
export function postgresProcessesBelow(directory: string): readonly ProcessInfo[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isBelow(workingDirectory(Number(entry)), directory))
    .map((entry) => readProcess(Number(entry)))
    .filter((found) => found !== undefined)
    .filter(({ name, pid }) => POSTGRES_PROGRAMS.has(name) && isAlive(pid));
}

/** Ends all of them without any care for their data. Returns those that still live when the time is over. */
export async function endPostgresBelow(directory: string, limit: TimeLimit): Promise<readonly ProcessInfo[]> {
  const countdown = startCountdown(limit);
  for (;;) {
    const left = postgresProcessesBelow(directory);
    if (left.length === 0 || countdown.remainingMs() === 0) return left;
    // SIGQUIT lets a server remove its shared memory and its sockets.
    const isPatient = limit.timeoutMs - countdown.remainingMs() < PATIENCE_MS;
    for (const { name, pid } of left)
      sendSignal(pid, isPatient && name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    await sleep(20);
  }
}

function isBelow(path: string | undefined, directory: string): boolean {
  return path !== undefined && (path === directory || path.startsWith(`${directory}${sep}`));
}
