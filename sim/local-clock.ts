import type { Clock } from './clock.ts';
import type { Mutable } from './mutable.ts';

/**
 * The monotonic clock of one machine. It may run fast or slow, and stands still
 * while the machine is suspended: no two machines agree on how long anything took.
 */
export interface LocalClock {
  timeMs(): number;
  /** Whether the machine is suspended. */
  readonly isFrozen: boolean;
  /** How long the world waits while this clock counts so many milliseconds. */
  worldMs(localMs: number): number;
  /** From now on it counts so many milliseconds in one of the world. */
  drift(rate: number): void;
  /** Until then, in the time of the world, it stands still. */
  freezeUntil(worldMs: number): void;
  thaw(): void;
}

export function createLocalClock(clock: Clock): LocalClock {
  let [baseMs, sinceMs, rate] = [0, 0, 1];
  let frozenUntilMs = 0;

  const timeMs = (): number => (frozenUntilMs > 0 ? baseMs : baseMs + (clock.nowMs - sinceMs) * rate);

  function restart(): void {
    baseMs = timeMs();
    sinceMs = clock.nowMs;
  }

  function thaw(): void {
    if (frozenUntilMs === 0) return;
    restart();
    frozenUntilMs = 0;
    self.isFrozen = false;
  }

  const self: Mutable<LocalClock> = {
    timeMs,
    isFrozen: false,
    worldMs: (localMs) => localMs / rate,
    drift(to) {
      restart();
      rate = to;
    },
    freezeUntil(worldMs) {
      restart();
      const waitMs = Math.max(0, worldMs - clock.nowMs);
      frozenUntilMs = Math.max(frozenUntilMs, clock.nowMs + waitMs);
      self.isFrozen = true;
      clock.after(waitMs, () => {
        if (clock.nowMs >= frozenUntilMs) thaw();
      });
    },
    thaw,
  };
  return self;
}
