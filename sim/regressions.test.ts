import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIXES } from './mutants/fixes.ts';
import { brokenIn, keptScenarios } from './mutants/traces.ts';
import { runSeed } from './run.ts';

/** Each was the shortest way to a fault that is mended; docs/verification.md tells those of pgbaton. */
for (const { name, scenario } of keptScenarios()) {
  test(`what once broke holds: ${name.replaceAll('-', ' ')}`, () => {
    assert.equal(brokenIn(runSeed, scenario), undefined);
  });
}

test('each kept scenario names the fix without which it fails, and each fix has a scenario', () => {
  // That it does fail is looked at by `npm run sim:mutants -- --fixes`.
  const found = new Set(keptScenarios().map(({ scenario }) => scenario.foundWithout));
  assert.deepEqual(
    FIXES.filter(({ name }) => !found.has(name)),
    [],
  );
  for (const { name, scenario } of keptScenarios())
    assert.ok(
      FIXES.some((fix) => fix.name === scenario.foundWithout),
      name,
    );
});
