import type { Clock, EventOwner } from './clock.ts';

/**
 * What can be killed, and stopped for a while: nothing that was begun in one
 * life of a process happens in the next, and what falls due while it stands
 * still happens as soon as it goes on.
 */
export interface VirtualProcess extends EventOwner {
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
  /** The longest stop that ended within the last `windowMs`: how late its timers ran. */
  latenessMs(windowMs: number): number;
}

export function createProcess(clock: Clock): VirtualProcess {
  let life = 0;
  let isAlive = false;
  let pausedUntilMs = 0;
  let deferred: (() => void)[] = [];
  let pausedSinceMs = 0;
  let stops: { readonly endedMs: number; readonly tookMs: number }[] = [];

  function runIn(started: number, task: () => void): void {
    if (life !== started || !isAlive) return;
    if (clock.nowMs < pausedUntilMs) deferred.push(() => runIn(started, task));
    else task();
  }

  function resumeIfDue(): void {
    if (clock.nowMs < pausedUntilMs) return;
    if (pausedUntilMs > 0) stops.push({ endedMs: clock.nowMs, tookMs: clock.nowMs - pausedSinceMs });
    pausedUntilMs = 0;
    const due = deferred;
    deferred = [];
    for (const task of due) task();
  }

  const self: VirtualProcess = {
    runIn,
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
      clock.afterIn(self, delayMs, task);
    },
    now(task) {
      runIn(life, task);
    },
    begin() {
      life += 1;
      isAlive = true;
      pausedUntilMs = 0;
      deferred = [];
      stops = [];
    },
    kill() {
      life += 1;
      isAlive = false;
      deferred = [];
    },
    pauseUntil(timeMs) {
      if (pausedUntilMs <= clock.nowMs) pausedSinceMs = clock.nowMs;
      pausedUntilMs = Math.max(pausedUntilMs, timeMs);
      clock.after(timeMs - clock.nowMs, resumeIfDue);
    },
    latenessMs(windowMs) {
      if (stops.length === 0) return 0;
      stops = stops.filter(({ endedMs }) => clock.nowMs - endedMs < windowMs);
      return stops.reduce((longest, { tookMs }) => Math.max(longest, tookMs), 0);
    },
    resume() {
      pausedUntilMs = Math.min(pausedUntilMs, clock.nowMs);
      resumeIfDue();
    },
  };
  return self;
}
