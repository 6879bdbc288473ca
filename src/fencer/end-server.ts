import { sleep } from '../system/clock.ts';
import { findProcessesIn, readProcess, sendSignal } from '../system/process.ts';

const SERVER_PROCESS_NAMES = ['postgres', 'postmaster'];
const SWEEP_EVERY_MS = 10;
const SWEEPS = 100;

/** Whether any process of the server of a data directory (its canonical path) is left. */
export function isServerThere(dataDirectory: string): boolean {
  return findProcessesIn(dataDirectory, SERVER_PROCESS_NAMES).length > 0;
}

/**
 * Kills every process of a server, also what its postmaster left behind; the
 * postmaster first, for it would fork others. SIGKILL, because nothing else
 * ends what is stopped, and PostgreSQL recovers from it as from an immediate
 * shutdown. Whether none is left after a second.
 */
export async function endServer(dataDirectory: string): Promise<boolean> {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const found = findProcessesIn(dataDirectory, SERVER_PROCESS_NAMES);
    if (found.length === 0) return true;
    const pids = new Set(found.map(({ pid }) => pid));
    // A child of the server has a parent among the others; the postmaster and orphans have none.
    const rank = (pid: number): number => (pids.has(readProcess(pid)?.parentPid ?? 0) ? 1 : 0);
    for (const pid of [...pids].sort((a, b) => rank(a) - rank(b))) sendSignal(pid, 'SIGKILL');
    await sleep(SWEEP_EVERY_MS);
  }
  return false;
}
