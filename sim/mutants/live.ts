import type { Violation } from '../checkers.ts';
import { FAULTS } from '../faults.ts';
import { runSeed, type RunOptions } from '../run.ts';
import type { Mutant } from './mutant.ts';

/** Three nodes mostly; some guards matter only in a pair, some only where a member can be spared. */
const SIZES = [3, 3, 2, 3, 3, 4];

/**
 * With these a group may end where only a person can help it, with all guards
 * in place; what they bring about proves nothing of most guards.
 */
const LEFT_OUT: readonly string[] = ['lose_disk', 'foreign_data', 'promote_by_hand'];

/** A life as the hunt for a mutant runs it. */
export function lifeOf(
  { needs = [], among, durability, store }: Mutant,
  seed: number,
  faultyMs: number,
): RunOptions {
  const nodes = SIZES[seed % SIZES.length] ?? 3;
  const without =
    among === undefined
      ? LEFT_OUT.filter((fault) => !needs.includes(fault))
      : Object.keys(FAULTS).filter((fault) => !among.includes(fault));
  return {
    seed,
    nodes,
    faultyMs,
    without,
    ...(durability === undefined ? {} : { durability }),
    ...(store === undefined ? {} : { store }),
  };
}

/** One such life; undefined: nobody had anything to say against it. */
export function live(mutant: Mutant, seed: number, faultyMs: number): Violation | undefined {
  return runSeed(lifeOf(mutant, seed, faultyMs)).violation;
}
