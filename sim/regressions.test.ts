import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { runSeed } from './run.ts';
import type { Scenario } from './scenario.ts';

/** Each was the shortest way to a fault of pgbaton that is mended; docs/verification.md tells which. */
for (const file of globSync(join(import.meta.dirname, 'regressions', '*.json')).toSorted()) {
  test(`what once broke holds: ${basename(file, '.json').replaceAll('-', ' ')}`, () => {
    const scenario = JSON.parse(readFileSync(file, 'utf8')) as Scenario;
    const { violation } = runSeed({ ...scenario, without: [] });
    assert.equal(violation, undefined, `${violation?.invariant}: ${violation?.detail}`);
  });
}
