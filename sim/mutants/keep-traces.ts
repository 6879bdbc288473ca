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
import { neighboursOf } from './neighbours.ts';
import { brokenIn, keptScenarios, KEPT_IN } from './traces.ts';

type Run = typeof runSeed;

/**
 * Finds a scenario for each fix that has none, or whose scenario does not fail
 * without it any more: one that breaks without the fix and holds with it, as
 * small as can be. Near the old one first, then wherever chance leads.
 */
export async function keepTraces(
  options: HuntOptions & { readonly only: readonly string[] },
  tell: (line: string) => void,
): Promise<void> {
  for (const fix of FIXES) {
    if (options.only.length > 0 && !options.only.includes(fix.name)) continue;
    const { runSeed: runWithout } = await loadWithout<typeof import('../run.ts')>(fix, '../run.ts');
    const old = keptScenarios().find(({ scenario }) => scenario.foundWithout === fix.name)?.scenario;
    if (old !== undefined && breaksOnlyWithout(runWithout, old) !== undefined) continue;
    const found =
      (old === undefined ? undefined : findNear(old, fix, runWithout, options)) ??
      (await findAnywhere(fix, options));
    if (found === undefined) {
      tell(`${fix.name}: no trace in ${options.seeds} seeds`);
      continue;
    }
    const smallest = shrinkWithout(runWithout, found);
    const file = join(KEPT_IN, `${fix.name.replaceAll('_', '-')}.json`);
    writeFileSync(file, `${JSON.stringify({ ...smallest, foundWithout: fix.name }, null, 2)}\n`);
    tell(`${fix.name}: ${brokenIn(runWithout, smallest)}, ${smallest.schedule.length} faults`);
  }
}

/** What a scenario breaks without the fix, and does not break with it. */
function breaksOnlyWithout(runWithout: Run, scenario: Scenario): string | undefined {
  const broken = brokenIn(runWithout, scenario);
  return broken === undefined || brokenIn(runSeed, scenario) !== undefined ? undefined : broken;
}

/** As many neighbours of a stale scenario as there are seeds to try. */
function findNear(
  old: Scenario,
  fix: Mutant,
  runWithout: Run,
  { first, seeds }: HuntOptions,
): Scenario | undefined {
  const neighbours = neighboursOf(old, first, fix.among ?? []);
  for (let tried = 0; tried < seeds; tried++) {
    const { value } = neighbours.next();
    if (breaksOnlyWithout(runWithout, value) !== undefined) return value;
  }
  return undefined;
}

async function findAnywhere(fix: Mutant, options: HuntOptions): Promise<Scenario | undefined> {
  const found = await hunt(fix, options);
  const seed = options.first + found.seeds - 1;
  return found.checker === null ? undefined : scenarioOf(lifeOf(fix, seed, options.faultyMs));
}

/** What is left still breaks the same invariant without the fix, and nothing with it. */
function shrinkWithout(runWithout: Run, scenario: Scenario): Scenario {
  const invariant = brokenIn(runWithout, scenario);
  return shrinkBy(scenario, (candidate) => breaksOnlyWithout(runWithout, candidate) === invariant);
}
