import { KNOWN_HOLES } from './faults.ts';
import type { RunOptions } from './run.ts';

/** What of a run does not follow from its seed. */
export interface Choice {
  /** Absent: a mix. */
  readonly nodes?: number;
  readonly faultyMs: number;
  readonly without: readonly string[];
  readonly withHoles: boolean;
}

const SIZES = [3, 2, 3, 4, 3, 5, 3, 3];

/** The options of a seed follow from the seed, so that the seed alone reproduces a run. */
export function optionsOf(seed: number, { nodes, faultyMs, without, withHoles }: Choice): RunOptions {
  return {
    seed,
    nodes: nodes ?? SIZES[seed % SIZES.length]!,
    faultyMs,
    without: [...without, ...(withHoles ? [] : KNOWN_HOLES)],
  };
}
