import { ACTION_KINDS } from '../src/core/action.ts';
import { RULE_NAMES } from '../src/core/decide.ts';

/** Every simulated node begins without data to adopt, and only groups that need a lease ask their members. */
const NEVER_REACHED: readonly string[] = ['action adopt', 'action ask_members'];

/** From so many seeds on a rule or an action that was never reached is a fault of the simulator. */
export const SEEDS_FOR_COVERAGE = 10_000;

/** The rules of `decide` and the actions of `plan` that none of the runs came to. */
export function unreached(counts: ReadonlyMap<string, number>): readonly string[] {
  const actions = Object.keys(ACTION_KINDS).map((kind) => `action ${kind}`);
  return [...RULE_NAMES.map((rule) => `rule ${rule}`), ...actions].filter(
    (what) => !counts.has(what) && !NEVER_REACHED.includes(what),
  );
}
