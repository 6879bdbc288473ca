import type { Violation } from '../checkers.ts';
import { KNOWN_HOLES } from '../faults.ts';
import { runSeed, type RunOptions } from '../run.ts';

/** Three nodes mostly; some guards matter only in a pair, some only where a member can be spared. */
const SIZES = [3, 3, 2, 3, 3, 4];

/**
 * With these a group may end where only a person can help it, or in one of the
 * known holes, with all guards in place; what they bring about proves nothing
 * of most guards.
 */
const LEFT_OUT: readonly string[] = [...KNOWN_HOLES, 'lose_disk', 'foreign_data', 'promote_by_hand'];

/** A life as the hunt for mutants runs it. */
export function lifeOf(seed: number, faultyMs: number, needs: readonly string[]): RunOptions {
  const nodes = SIZES[seed % SIZES.length] ?? 3;
  return { seed, nodes, faultyMs, without: LEFT_OUT.filter((fault) => !needs.includes(fault)) };
}

/** One such life; undefined: nobody had anything to say against it. */
export function live(seed: number, faultyMs: number, needs: readonly string[]): Violation | undefined {
  return runSeed(lifeOf(seed, faultyMs, needs)).violation;
}
