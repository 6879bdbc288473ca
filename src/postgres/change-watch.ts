import { openDeathPipe, type DeathPipe } from './death-pipe.ts';
import type { ServerProcess } from './server-process.ts';

/** Calls back when something is seen to change. */
export interface ChangeWatch {
  onChange(listener: () => void): void;
  /** The postmaster that is to be watched, and one of its children. Cheap when they are the same as before. */
  follow(postmasterPid: number, childPid: number): void;
  /** To be called when the held session ends. */
  notify(): void;
  close(): void;
}

/** A look at /proc is one system call, but one that wakes an idle process: only where there is nothing better. */
const PID_CHECK_MS = 50;
/** Between the end of a process's files and that of its entry in /proc lies less than this. */
const ENDING_MS = 1;

/**
 * The postmaster's end is told by its death pipe, or else its pid is watched:
 * both show it long before its children have found out and ended their sessions.
 */
export function createChangeWatch(process: Pick<ServerProcess, 'livesStill'>): ChangeWatch {
  const listeners: (() => void)[] = [];
  let lived = false;
  let followed = '';
  let pipe: DeathPipe | undefined;
  let timer: NodeJS.Timeout | undefined;
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  const check = (): void => {
    const lives = process.livesStill();
    const ended = lived && !lives;
    lived = lives;
    if (ended) notify();
  };
  const watchPid = (): void => {
    clearInterval(timer);
    timer = setInterval(check, PID_CHECK_MS).unref();
  };
  watchPid();
  return {
    onChange: (listener) => void listeners.push(listener),
    notify,
    follow(pid, childPid) {
      if (followed === `${pid} ${childPid}`) return;
      followed = `${pid} ${childPid}`;
      lived = true;
      pipe?.close();
      pipe = openDeathPipe(pid, childPid, () => {
        watchPid();
        setTimeout(check, ENDING_MS).unref();
      });
      if (pipe === undefined) watchPid();
      else clearInterval(timer);
    },
    close() {
      pipe?.close();
      clearInterval(timer);
    },
  };
}
