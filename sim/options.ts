import { createRandom, seedOf } from './random.ts';
import type { RunOptions } from './run.ts';
import { STREAMS } from './world.ts';

/** What of a run does not follow from its seed. */
export interface Choice {
  /** Absent: a mix. */
  readonly nodes?: number;
  readonly faultyMs: number;
  readonly without: readonly string[];
  /** Of the group; absent: quorum. */
  readonly durability?: 'async' | undefined;
  /** Absent: a mix. */
  readonly store?: 'monitor' | 'etcd' | undefined;
}

const SIZES = [3, 2, 3, 4, 3, 5, 3, 3];

/** Keepers that decide have been searched less than a monitor has. */
const ON_ETCD = 0.5;

function homeOf(seed: number): 'monitor' | 'etcd' {
  return createRandom(seedOf(seed, STREAMS.home)).chance(ON_ETCD) ? 'etcd' : 'monitor';
}

/** The options of a seed follow from the seed, so that the seed alone reproduces a run. */
export function optionsOf(seed: number, { nodes, faultyMs, without, durability, store }: Choice): RunOptions {
  return {
    seed,
    nodes: nodes ?? SIZES[seed % SIZES.length]!,
    faultyMs,
    without,
    ...(durability === undefined ? {} : { durability }),
    ...((store ?? homeOf(seed)) === 'etcd' ? { store: 'etcd' } : {}),
  };
}
