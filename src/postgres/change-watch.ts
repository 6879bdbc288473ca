import type { ServerProcess } from './server-process.ts';

/** Calls back when something is seen to change. */
export interface ChangeWatch {
  onChange(listener: () => void): void;
  /** To be called when the held session ends. */
  notify(): void;
  close(): void;
}

/** A look at /proc is one system call. */
const PID_CHECK_MS = 50;

/**
 * The postmaster's pid is watched: that it is gone shows long before its
 * children have found out and ended their sessions.
 */
export function createChangeWatch(process: Pick<ServerProcess, 'livesStill'>): ChangeWatch {
  const listeners: (() => void)[] = [];
  let lived = false;
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  const timer = setInterval(() => {
    const lives = process.livesStill();
    const ended = lived && !lives;
    lived = lives;
    if (ended) notify();
  }, PID_CHECK_MS);
  timer.unref();
  return {
    onChange: (listener) => void listeners.push(listener),
    notify,
    close: () => clearInterval(timer),
  };
}
