import { CHECKER_FIXES } from './fixed-checkers.ts';
import { DECISION_FIXES } from './fixed-decisions.ts';
import { STEP_FIXES } from './fixed-steps.ts';
import { LEASING_FIXES } from './leasing.ts';
import type { Mutant } from './mutant.ts';
import { RECOVERY_FIXES } from './recovering.ts';
import { SHARING_FIXES } from './sharing.ts';

/**
 * Bugs that the simulator found, and some of its own, each taken back by
 * switching off what mended it. sim/regressions/ has a scenario for each,
 * found without the fix.
 */
export const FIXES: readonly Mutant[] = [
  ...DECISION_FIXES,
  ...STEP_FIXES,
  ...CHECKER_FIXES,
  ...RECOVERY_FIXES,
  ...LEASING_FIXES,
  ...SHARING_FIXES,
];
