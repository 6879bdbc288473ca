import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSeed } from '../run.ts';
import { scenarioOf, type Scenario } from '../scenario.ts';
import { shrinkBy } from '../shrink.ts';
import { FIXES } from './fixes.ts';
import { hunt, type HuntOptions } from './hunt.ts';
import { lifeOf } from './live.ts';
import { loadWithout } from './load-without.ts';
import type { Mutant } from './mutant.ts';
import { brokenIn, keptScenarios, KEPT_IN } from './traces.ts';

/** Finds a scenario for each fix that has none yet: one that breaks without the fix and holds with it, as small as can be. */
export async function keepTraces(
  options: HuntOptions & { readonly only: readonly string[] },
  tell: (line: string) => void,
): Promise<void> {
  for (const fix of FIXES) {
    if (keptScenarios().some(({ scenario }) => scenario.foundWithout === fix.name)) continue;
    if (options.only.length > 0 && !options.only.includes(fix.name)) continue;
    const file = join(KEPT_IN, `${fix.name.replaceAll('_', '-')}.json`);
    const found = await hunt(fix, options);
    if (found.checker === null) {
      tell(`${fix.name}: no trace in ${options.seeds} seeds`);
      continue;
    }
    const seed = options.first + found.seeds - 1;
    const smallest = await shrinkWithout(fix, scenarioOf(lifeOf(fix, seed, options.faultyMs)));
    writeFileSync(file, `${JSON.stringify({ foundWithout: fix.name, ...smallest }, null, 2)}\n`);
    tell(`${fix.name}: ${found.checker}, seed ${seed}, ${smallest.schedule.length} faults`);
  }
}

/** What is left still breaks the same invariant without the fix, and nothing with it. */
async function shrinkWithout(fix: Mutant, scenario: Scenario): Promise<Scenario> {
  const { runSeed: runWithout } = await loadWithout<typeof import('../run.ts')>(fix, '../run.ts');
  const invariant = brokenIn(runWithout, scenario);
  return shrinkBy(
    scenario,
    (candidate) =>
      brokenIn(runWithout, candidate) === invariant && brokenIn(runSeed, candidate) === undefined,
  );
}
