import { FAULTS } from './faults.ts';
import { createRandom, seedOf } from './random.ts';
import type { RunOptions } from './run.ts';
import { makeSchedule, type PlannedFault } from './schedule.ts';
import { STREAMS } from './world.ts';

/**
 * One run with its faults spelled out: what is kept of a failure, and what the
 * shrinking works on. Settings, delays and everything else that is no fault
 * still follow from the seed.
 */
export interface Scenario {
  /** Of a kept one: the fix in sim/mutants/fixes.ts without which it breaks. */
  readonly foundWithout?: string;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  readonly faultyMs: number;
  readonly schedule: readonly PlannedFault[];
}

export const CLIENT_COUNT = 2;

/** What follows from these options. */
export function scenarioOf(options: RunOptions): Scenario {
  const { seed, nodes, faultyMs, without } = options;
  const kinds = Object.keys(FAULTS).filter((kind) => !without.includes(kind));
  const schedule =
    options.schedule ?? makeSchedule(createRandom(seedOf(seed, STREAMS.schedule)), kinds, faultyMs);
  return { seed, nodes, clients: options.clients ?? CLIENT_COUNT, faultyMs, schedule };
}
