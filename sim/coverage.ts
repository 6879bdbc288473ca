import type { Action } from '../src/core/action.ts';
import { RULE_NAMES } from '../src/core/decide.ts';

/** Every kind of action that `plan` can answer, and whether a simulated group can come to it. */
const ACTIONS: Readonly<Record<Action['kind'], boolean>> = {
  initialise: true,
  // There is no server to adopt: every simulated node begins without data.
  adopt: false,
  start_primary: true,
  start_standby: true,
  stop: true,
  checkpoint: true,
  hand_over: true,
  pledge: true,
  configure: true,
  promote: true,
  apply_rule: true,
  write_marker: true,
  open: true,
  maintain_slots: true,
  clone: true,
  rewind: true,
  leave: true,
};

/** From so many seeds on a rule or an action that was never reached is a fault of the simulator. */
export const SEEDS_FOR_COVERAGE = 10_000;

/** The rules of `decide` and the actions of `plan` that none of the runs came to. */
export function unreached(counts: ReadonlyMap<string, number>): readonly string[] {
  const actions = Object.entries(ACTIONS).flatMap(([kind, isReachable]) =>
    isReachable ? [`action ${kind}`] : [],
  );
  return [...RULE_NAMES.map((rule) => `rule ${rule}`), ...actions].filter((what) => !counts.has(what));
}
