import { isAlive, readProcess, workingDirectory } from '../system/process.ts';

/** What a running server says of itself in postmaster.pid. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** null: it has no Unix socket. */
  readonly socketDirectory: string | null;
  /** `starting`, `stopping`, `ready` or `standby`. */
  readonly status: string;
}

export const SERVER_PROCESS_NAMES = ['postgres', 'postmaster'];

/** Reads postmaster.pid; undefined while it is incomplete. */
export function parsePidFile(text: string): Postmaster | undefined {
  const [pid, , , port, socketDirectory, , , status] = text.split('\n').map((line) => line.trim());
  if (!pid || !/^\d+$/.test(pid)) return undefined;
  return {
    pid: Number(pid),
    port: Number(port ?? 0),
    socketDirectory: socketDirectory || null,
    status: status ?? 'starting',
  };
}

/**
 * Whether the pid belongs to the postmaster of this data directory. After a
 * crash of the machine any process may have the pid that the file names, so
 * the name and the working directory must fit as well.
 */
export function isPostmasterOf(canonicalDataDirectory: string, pid: number): boolean {
  if (!isAlive(pid)) return false;
  const name = readProcess(pid)?.name ?? '';
  return SERVER_PROCESS_NAMES.includes(name) && workingDirectory(pid) === canonicalDataDirectory;
}
