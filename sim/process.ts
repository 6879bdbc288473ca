import type { Clock } from './clock.ts';

/**
 * What can be killed, and stopped for a while: nothing that was begun in one
 * life of a process happens in the next, and what falls due while it stands
 * still happens as soon as it goes on.
 */
export interface VirtualProcess {
  readonly isAlive: boolean;
  /** Counts the lives. */
  readonly life: number;
  /** Runs `task` after `delayMs`, if this life still lasts then. */
  after(delayMs: number, task: () => void): void;
  /** Runs `task` now, or when the process goes on; not at all when it is dead. */
  now(task: () => void): void;
  begin(): void;
  kill(): void;
  /** SIGSTOP until then: later stops only lengthen it. */
  pauseUntil(timeMs: number): void;
  /** SIGCONT. */
  resume(): void;
  readonly pausedUntilMs: number;
}

export function createProcess(clock: Clock): VirtualProcess {
  let life = 0;
  let isAlive = false;
  let pausedUntilMs = 0;
  let deferred: (() => void)[] = [];

  function runIn(started: number, task: () => void): void {
    if (life !== started || !isAlive) return;
    if (clock.nowMs < pausedUntilMs) deferred.push(() => runIn(started, task));
    else task();
  }

  function resumeIfDue(): void {
    if (clock.nowMs < pausedUntilMs) return;
    const due = deferred;
    deferred = [];
    for (const task of due) task();
  }

  return {
    get isAlive() {
      return isAlive;
    },
    get life() {
      return life;
    },
    get pausedUntilMs() {
      return pausedUntilMs;
    },
    after(delayMs, task) {
      const started = life;
      clock.after(delayMs, () => runIn(started, task));
    },
    now(task) {
      runIn(life, task);
    },
    begin() {
      life += 1;
      isAlive = true;
      pausedUntilMs = 0;
      deferred = [];
    },
    kill() {
      life += 1;
      isAlive = false;
      deferred = [];
    },
    pauseUntil(timeMs) {
      pausedUntilMs = Math.max(pausedUntilMs, timeMs);
      clock.after(timeMs - clock.nowMs, resumeIfDue);
    },
    resume() {
      pausedUntilMs = Math.min(pausedUntilMs, clock.nowMs);
      resumeIfDue();
    },
  };
}
