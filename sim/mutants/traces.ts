import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runSeed } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { FIXES } from './fixes.ts';
import { loadWithout } from './load-without.ts';

/** Where the scenarios of mended bugs are kept. */
export const KEPT_IN = join(import.meta.dirname, '../regressions');

/** A scenario that was kept, by the name of its bug. */
export interface Kept {
  readonly name: string;
  readonly scenario: Scenario;
}

export function keptScenarios(): readonly Kept[] {
  const files = globSync(join(KEPT_IN, '*.json')).toSorted();
  return files.map((file) => ({
    name: basename(file, '.json'),
    scenario: JSON.parse(readFileSync(file, 'utf8')) as Scenario,
  }));
}

/** The invariant that a scenario breaks in a simulator; undefined: none. */
export function brokenIn(run: typeof runSeed, scenario: Scenario): string | undefined {
  return run({ ...scenario, without: [] }).violation?.invariant;
}

/** Runs each kept scenario with and without its fix; the sentences that it answers are what is wrong. */
export async function checkTraces(tell: (line: string) => void): Promise<readonly string[]> {
  const wrong = FIXES.filter(
    ({ name }) => !keptScenarios().some(({ scenario }) => scenario.foundWithout === name),
  ).map(({ name }) => `${name} has no scenario`);
  for (const { name, scenario } of keptScenarios()) {
    const fix = FIXES.find((each) => each.name === scenario.foundWithout);
    if (fix === undefined) {
      wrong.push(`${name} names no fix without which it fails`);
      continue;
    }
    const whole = brokenIn(runSeed, scenario);
    if (whole !== undefined) wrong.push(`${name} fails with its fix: ${whole}`);
    const { runSeed: runWithout } = await loadWithout<typeof import('../run.ts')>(fix, '../run.ts');
    const broken = brokenIn(runWithout, scenario);
    if (broken === undefined) wrong.push(`${name} does not fail without ${fix.name}`);
    else tell(`${name.padEnd(64)} ${broken}`);
  }
  return wrong;
}
