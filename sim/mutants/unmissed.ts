import type { Unmissed } from './mutant.ts';
import { UNMISSED_DECISIONS } from './unmissed-decisions.ts';
import { UNMISSED_RECOVERIES } from './unmissed-recoveries.ts';
import { UNMISSED_STEPS } from './unmissed-steps.ts';

/**
 * Guards that no seed has missed so far, and why that is believed to be so:
 * another guard holds alone, or the faults hardly ever get there. They are run
 * with `--unmissed`; one that is caught belongs into the other lists.
 */
export const UNMISSED: readonly Unmissed[] = [
  ...UNMISSED_DECISIONS,
  ...UNMISSED_STEPS,
  ...UNMISSED_RECOVERIES,
];
