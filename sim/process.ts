import type { Clock, EventOwner } from './clock.ts';
import { createLocalClock, type LocalClock } from './local-clock.ts';

/**
 * What can be killed, and stopped for a while: nothing that was begun in one
 * life of a process happens in the next, and what falls due while it stands
 * still happens as soon as it goes on.
 */
export interface VirtualProcess extends EventOwner {
  readonly isAlive: boolean;
  /** Counts the lives. */
  readonly life: number;
  /** By the clock of its machine, the only one that it can read. */
  readonly nowMs: number;
  /** Runs `task` after `delayMs` by its machine's clock, if this life still lasts then. */
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

export function createProcess(clock: Clock, local: LocalClock = createLocalClock(clock)): VirtualProcess {
  let life = 0;
  let isAlive = false;
  let pausedUntilMs = 0;
  let deferred: (() => void)[] = [];
  let [pausedSinceMs, pausedSinceLocalMs] = [0, 0];
  let stops: { readonly endedMs: number; readonly tookMs: number }[] = [];

  function runIn(started: number, task: () => void): void {
    if (life !== started || !isAlive) return;
    if (clock.nowMs >= pausedUntilMs) return task();
    // The timers of a suspended machine go on where they were.
    const leftMs = local.isFrozen ? clock.nowMs - pausedSinceMs : 0;
    if (leftMs === 0) deferred.push(() => runIn(started, task));
    else deferred.push(() => clock.afterIn(self, leftMs, task));
  }

  function resumeIfDue(): void {
    if (clock.nowMs < pausedUntilMs) return;
    const tookMs = local.nowMs - pausedSinceLocalMs;
    if (pausedUntilMs > 0) stops.push({ endedMs: local.nowMs, tookMs });
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
    get nowMs() {
      return local.nowMs;
    },
    after(delayMs, task) {
      const begin = (): void => clock.afterIn(self, local.worldMs(delayMs), task);
      // What is asked of a suspended machine begins when it goes on.
      if (local.isFrozen && clock.nowMs < pausedUntilMs) deferred.push(begin);
      else begin();
    },
    now(task) {
      if (clock.nowMs >= pausedUntilMs) return runIn(life, task);
      const started = life;
      deferred.push(() => runIn(started, task));
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
      if (pausedUntilMs <= clock.nowMs) [pausedSinceMs, pausedSinceLocalMs] = [clock.nowMs, local.nowMs];
      const waitMs = Math.max(0, timeMs - clock.nowMs);
      // To the last bit what the clock will show then.
      pausedUntilMs = Math.max(pausedUntilMs, clock.nowMs + waitMs);
      clock.after(waitMs, resumeIfDue);
    },
    latenessMs(windowMs) {
      if (stops.length === 0) return 0;
      stops = stops.filter(({ endedMs }) => local.nowMs - endedMs < windowMs);
      return stops.reduce((longest, { tookMs }) => Math.max(longest, tookMs), 0);
    },
    resume() {
      pausedUntilMs = Math.min(pausedUntilMs, clock.nowMs);
      resumeIfDue();
    },
  };
  return self;
}
