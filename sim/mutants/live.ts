import type { Violation } from '../checkers.ts';
import { runSeed } from '../run.ts';

/** Three nodes mostly; some guards matter only in a pair, some only where a member can be spared. */
const SIZES = [3, 3, 2, 3, 3, 4];

/**
 * With these a group may end where only a person can help it, with all guards
 * in place; what they bring about proves nothing of most guards.
 */
const LEFT_OUT: readonly string[] = ['lose_disk', 'promote_by_hand'];

/** One life of a group as the hunt for mutants runs it; undefined: nobody had anything to say against it. */
export function live(seed: number, faultyMs: number, needs: readonly string[]): Violation | undefined {
  const nodes = SIZES[seed % SIZES.length] ?? 3;
  const without = LEFT_OUT.filter((fault) => !needs.includes(fault));
  return runSeed({ seed, nodes, faultyMs, without }).violation;
}
