import { constants, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';

/** Whether a postmaster lives, told by the kernel. */
export interface DeathPipe {
  close(): void;
}

/**
 * Calls `onEnd` in the moment in which a postmaster is gone, however it ends.
 *
 * A postmaster keeps the writing end of a pipe to itself and writes nothing:
 * its children hold the reading end and see by its end that they are alone. The
 * same user may open that end too. It is the pipe that a child can read and
 * only the postmaster can write; of no other one is anything read.
 *
 * Returns undefined where /proc does not show it: then the pid has to be looked
 * for again and again.
 */
export function openDeathPipe(
  postmasterPid: number,
  childPid: number,
  onEnd: () => void,
): DeathPipe | undefined {
  const fd = openReadingEnd(postmasterPid, childPid);
  if (fd === undefined) return undefined;
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.once('close', onEnd);
  // What else could happen to it says no more than that it is of no use any more.
  socket.on('error', () => undefined);
  socket.resume();
  socket.unref();
  return {
    close() {
      socket.off('close', onEnd);
      socket.destroy();
    },
  };
}

function openReadingEnd(postmasterPid: number, childPid: number): number | undefined {
  try {
    const ofPostmaster = pipeEndsOf(postmasterPid);
    const ofChild = pipeEndsOf(childPid);
    const found = ofChild.find(({ pipe }) => hasWriter(ofPostmaster, pipe) && !hasWriter(ofChild, pipe));
    if (found === undefined) return undefined;
    return openSync(found.path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // One of the two has just ended, or belongs to another user.
    return undefined;
  }
}

interface PipeEnd {
  readonly pipe: string;
  readonly path: string;
  readonly mayWrite: boolean;
}

function pipeEndsOf(pid: number): readonly PipeEnd[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((name) => pipeEnd(`${directory}/${name}`) ?? []);
}

function pipeEnd(path: string): PipeEnd | undefined {
  try {
    const pipe = readlinkSync(path);
    if (!pipe.startsWith('pipe:')) return undefined;
    return { pipe, path, mayWrite: (lstatSync(path).mode & OWNER_MAY_WRITE) !== 0 };
  } catch {
    // A server opens and closes files all the time; the pipe that is meant stays.
    return undefined;
  }
}

/** Of the link itself: how the file was opened. */
const OWNER_MAY_WRITE = 0o200;

function hasWriter(ends: readonly PipeEnd[], pipe: string): boolean {
  return ends.some((end) => end.pipe === pipe && end.mayWrite);
}
