import { readProcess, workingDirectory } from '../system/process.ts';

/** What a running server says of itself in postmaster.pid. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** null: it has no Unix socket; undefined: it has not said yet. */
  readonly socketDirectory: string | null | undefined;
  /** `starting`, `stopping`, `ready` or `standby`. */
  readonly status: string;
}

export const SERVER_PROCESS_NAMES = ['postgres', 'postmaster'];

/** Reads postmaster.pid; undefined while not even the pid stands there. */
export function parsePidFile(text: string): Postmaster | undefined {
  const [pid, , , port, socketDirectory, , , status] = text.split('\n').map((line) => line.trim());
  if (!pid || !/^\d+$/.test(pid)) return undefined;
  return {
    pid: Number(pid),
    port: Number(port ?? 0),
    // The lines appear one after the other; the status is the last of them.
    socketDirectory: socketDirectory || (status ? null : undefined),
    status: status || 'starting',
  };
}

/** The host to connect to from this machine: a socket directory, or the loopback address. */
export function localHost(postmaster: Postmaster, configuredSocketDirectory: string): string {
  const { socketDirectory } = postmaster;
  return socketDirectory === undefined ? configuredSocketDirectory : (socketDirectory ?? '127.0.0.1');
}

/**
 * Whether the pid belongs to the postmaster of this data directory. After a
 * crash of the machine any process may have the pid that the file names, so
 * the name and the working directory must fit as well.
 */
export function isPostmasterOf(canonicalDataDirectory: string, pid: number): boolean {
  // A process that has ended and was not collected has no working directory any more.
  return (
    workingDirectory(pid) === canonicalDataDirectory &&
    SERVER_PROCESS_NAMES.includes(readProcess(pid)?.name ?? '')
  );
}
