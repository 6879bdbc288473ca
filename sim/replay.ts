import type { Clock } from './clock.ts';

/**
 * How far a standby has replayed what it has flushed: all of it, or less while
 * somebody has paused the replay or a query holds it up. The positions that a
 * standby reports are of what it has received, not of what it has replayed.
 */
export interface Replay {
  isHeld(): boolean;
  /** How many of so many flushed records are replayed. */
  replayed(flushed: number): number;
  /** Goes no further than these records until then. */
  holdUntil(timeMs: number, replayed: number): void;
  /** A restart, a promotion or the end of the query: everything is replayed. */
  release(): void;
}

export function createReplay(clock: Clock): Replay {
  let heldUntilMs = 0;
  let heldAt = Infinity;
  return {
    isHeld: () => heldUntilMs > clock.nowMs,
    replayed: (flushed) => (heldUntilMs > clock.nowMs ? Math.min(heldAt, flushed) : flushed),
    holdUntil(timeMs, replayed) {
      if (heldUntilMs <= clock.nowMs) heldAt = replayed;
      heldUntilMs = Math.max(heldUntilMs, timeMs);
    },
    release() {
      heldUntilMs = 0;
    },
  };
}
