/** How late this process runs: one whose own event loop stands still must not take that for the silence of others. */
export interface LagMeter {
  /** To be called by a timer every {@link everyMs}; `now` on the monotonic clock. */
  tick(nowMs: number): void;
  /** The worst delay within the window, ms; includes a tick that is overdue now. */
  lagMs(nowMs: number): number;
}

export function createLagMeter(options: {
  /** May change between two ticks. */
  readonly everyMs: () => number;
  readonly windowMs: number;
  readonly nowMs: number;
}): LagMeter {
  const { everyMs, windowMs } = options;
  let lastTickAtMs = options.nowMs;
  let delays: { readonly atMs: number; readonly lateMs: number }[] = [];
  const overdueMs = (nowMs: number): number => Math.max(0, nowMs - lastTickAtMs - everyMs());
  return {
    tick(nowMs) {
      const lateMs = overdueMs(nowMs);
      delays = delays.filter(({ atMs }) => nowMs - atMs < windowMs);
      if (lateMs > 0) delays.push({ atMs: nowMs, lateMs });
      lastTickAtMs = nowMs;
    },
    lagMs(nowMs) {
      let worstMs = overdueMs(nowMs);
      for (const { atMs, lateMs } of delays) if (nowMs - atMs < windowMs) worstMs = Math.max(worstMs, lateMs);
      return worstMs;
    },
  };
}
