import type { NodeId } from '../src/core/group-record.ts';

/** For whoever checks decisions: how long a decider has heard others without a gap in which it would have missed a death. */
export interface Hearing {
  heard(node: NodeId, detectionMs: number): void;
  /** By the clock of the decider. */
  forMs(): number;
}

export function createHearing(nowMs: () => number, own: NodeId | undefined): Hearing {
  let [sinceMs, lastMs] = [nowMs(), nowMs()];
  return {
    heard(node, detectionMs) {
      if (node === own) return;
      if (nowMs() - lastMs >= detectionMs) sinceMs = nowMs();
      lastMs = nowMs();
    },
    // Who decides alone hears the nodes that live, and that may be none for a while.
    forMs: () => (own === undefined ? Infinity : nowMs() - sinceMs),
  };
}
