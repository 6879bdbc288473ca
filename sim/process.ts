import type { Clock, EventOwner } from './clock.ts';
import { createLocalClock, type LocalClock } from './local-clock.ts';
import type { Mutable } from './mutable.ts';

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
  timeMs(): number;
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
  let deferred: (() => void)[] = [];
  let [pausedSinceMs, pausedSinceLocalMs] = [0, 0];
  let stops: { readonly endedMs: number; readonly tookMs: number }[] = [];

  function runIn(started: number, task: () => void): void {
    if (self.life !== started || !self.isAlive) return;
    if (clock.nowMs >= self.pausedUntilMs) return task();
    // The timers of a suspended machine go on where they were.
    const leftMs = local.isFrozen ? clock.nowMs - pausedSinceMs : 0;
    if (leftMs === 0) deferred.push(() => runIn(started, task));
    else deferred.push(() => clock.afterIn(self, leftMs, task));
  }

  function resumeIfDue(): void {
    if (clock.nowMs < self.pausedUntilMs) return;
    const tookMs = local.timeMs() - pausedSinceLocalMs;
    if (self.pausedUntilMs > 0) stops.push({ endedMs: local.timeMs(), tookMs });
    self.pausedUntilMs = 0;
    const due = deferred;
    deferred = [];
    for (const task of due) task();
  }

  const self: Mutable<VirtualProcess> = {
    runIn,
    isAlive: false,
    life: 0,
    pausedUntilMs: 0,
    timeMs: () => local.timeMs(),
    after(delayMs, task) {
      const begin = (): void => clock.afterIn(self, local.worldMs(delayMs), task);
      // What is asked of a suspended machine begins when it goes on.
      if (local.isFrozen && clock.nowMs < self.pausedUntilMs) deferred.push(begin);
      else begin();
    },
    now(task) {
      if (clock.nowMs >= self.pausedUntilMs) return runIn(self.life, task);
      const started = self.life;
      deferred.push(() => runIn(started, task));
    },
    begin() {
      self.life += 1;
      self.isAlive = true;
      self.pausedUntilMs = 0;
      deferred = [];
      stops = [];
    },
    kill() {
      self.life += 1;
      self.isAlive = false;
      deferred = [];
    },
    pauseUntil(timeMs) {
      if (self.pausedUntilMs <= clock.nowMs)
        [pausedSinceMs, pausedSinceLocalMs] = [clock.nowMs, local.timeMs()];
      const waitMs = Math.max(0, timeMs - clock.nowMs);
      // To the last bit what the clock will show then.
      self.pausedUntilMs = Math.max(self.pausedUntilMs, clock.nowMs + waitMs);
      clock.after(waitMs, resumeIfDue);
    },
    latenessMs(windowMs) {
      if (stops.length === 0) return 0;
      stops = stops.filter(({ endedMs }) => local.timeMs() - endedMs < windowMs);
      return stops.reduce((longest, { tookMs }) => Math.max(longest, tookMs), 0);
    },
    resume() {
      self.pausedUntilMs = Math.min(self.pausedUntilMs, clock.nowMs);
      resumeIfDue();
    },
  };
  return self;
}
