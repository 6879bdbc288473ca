import { ACTION_KINDS } from '../src/core/action.ts';
import { RULE_NAMES } from '../src/core/decide.ts';

/** There is no server to adopt: every simulated node begins without data. */
const NEVER_REACHED: readonly string[] = ['adopt'];

/** From so many seeds on a rule or an action that was never reached is a fault of the simulator. */
export const SEEDS_FOR_COVERAGE = 10_000;

/** The rules of `decide` and the actions of `plan` that none of the runs came to. */
export function unreached(counts: ReadonlyMap<string, number>): readonly string[] {
  const actions = Object.keys(ACTION_KINDS).filter((kind) => !NEVER_REACHED.includes(kind));
  return [...RULE_NAMES.map((rule) => `rule ${rule}`), ...actions.map((kind) => `action ${kind}`)].filter(
    (what) => !counts.has(what),
  );
}
