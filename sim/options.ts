import type { RunOptions } from './run.ts';

/** What of a run does not follow from its seed. */
export interface Choice {
  /** Absent: a mix. */
  readonly nodes?: number;
  readonly faultyMs: number;
  readonly without: readonly string[];
  /** Of the group; absent: quorum. */
  readonly durability?: 'async' | undefined;
}

const SIZES = [3, 2, 3, 4, 3, 5, 3, 3];

/** The options of a seed follow from the seed, so that the seed alone reproduces a run. */
export function optionsOf(seed: number, { nodes, faultyMs, without, durability }: Choice): RunOptions {
  return {
    seed,
    nodes: nodes ?? SIZES[seed % SIZES.length]!,
    faultyMs,
    without,
    ...(durability === undefined ? {} : { durability }),
  };
}
