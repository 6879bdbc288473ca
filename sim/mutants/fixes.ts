import { FIXES_OF_DECISIONS } from './fixes-of-decisions.ts';
import { FIXES_OF_STEPS } from './fixes-of-steps.ts';
import type { Mutant } from './mutant.ts';

/**
 * Bugs that the simulator found, and some of its own, each taken back by
 * switching off what mended it. sim/regressions/ has a scenario for each,
 * found without the fix.
 */
export const FIXES: readonly Mutant[] = [...FIXES_OF_DECISIONS, ...FIXES_OF_STEPS];
