import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../faults.ts';
import { FIXES } from './fixes.ts';
import { hunt } from './hunt.ts';
import { live } from './live.ts';
import { switchOff, type Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { UNMISSED } from './unmissed.ts';

const ALL: readonly Mutant[] = [...MUTANTS, ...UNMISSED, ...FIXES];
const QUICK = { first: 1, seeds: 60, faultyMs: 60_000, jobs: 1 };

function named(name: string): Mutant {
  const found = MUTANTS.find((mutant) => mutant.name === name);
  assert.ok(found);
  return found;
}

test('every guard that can be switched off stands where its mutant says, once', () => {
  for (const mutant of ALL) {
    const source = readFileSync(join(import.meta.dirname, '../..', mutant.file), 'utf8');
    assert.notEqual(switchOff(mutant, source), source, mutant.name);
  }
});

test('mutants have names of their own and need faults that exist', () => {
  const names = ALL.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { needs = [], among = [] } of ALL)
    for (const fault of [...needs, ...among]) assert.ok(fault in FAULTS, fault);
});

test('an election without a quorum is caught, and the same seed passes with the guard in place', async () => {
  const mutant = named('election_needs_quorum');
  const { checker, seeds } = await hunt(mutant, QUICK);
  assert.notEqual(checker, null);
  assert.equal(live(mutant, seeds, QUICK.faultyMs), undefined);
});
