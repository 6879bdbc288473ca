import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide as realDecide } from '../../src/core/decide.ts';
import type { Decide } from './deciding.ts';
import { search } from './explore.ts';
import { NOTHING } from './slices.ts';

/** A policy that is the real one but for what it does with one rule. */
function without(...rules: readonly string[]): Decide {
  return (record, evidence) => {
    const decision = realDecide(record, evidence);
    return decision !== undefined && rules.includes(decision.rule) ? undefined : decision;
  };
}

test('after any crash of a server or a keeper, and after any cut, nothing is lost and there is a way back', () => {
  for (const bounds of [
    { ...NOTHING, crashes: 1 },
    { ...NOTHING, transactions: 2, cuts: 1 },
  ]) {
    const result = search({ bounds });
    assert.equal(result.violation, null, result.trace.join('\n'));
    assert.equal(result.deadEnds, 0, result.trace.join('\n'));
    assert.ok(result.isComplete && result.states > 400 && result.healthy > 1);
  }
});

test('a group that never gives its holder up, nor starts it again, is found to be stuck', () => {
  const result = search({
    bounds: { ...NOTHING, crashes: 1 },
    decide: without('fail_over', 'restart_in_place'),
  });
  assert.equal(result.violation, null);
  assert.ok(result.deadEnds > 0);
  assert.match(result.trace.join('\n'), /PostgreSQL of n1 is killed/);
});

test('a promotion with one pledge too few is found to lose a commit', () => {
  const decide: Decide = (record, evidence) => {
    const rules = record.rules.map((rule) => ({ ...rule, k: rule.cohort.length - 1 }));
    const decision = realDecide({ ...record, rules }, evidence);
    if (decision?.rule !== 'begin_reign') return realDecide(record, evidence);
    return { ...decision, next: { ...decision.next, rules: record.rules } };
  };
  const bounds = { ...NOTHING, transactions: 1, crashes: 2 };
  const result = search({ bounds, decide, statesMax: 100_000 });
  assert.match(result.violation ?? 'nothing', /^I1 /);
  assert.match(result.trace.join('\n'), /a client commits/);
});

test('a change of the cohort that forgets the old rule at once is found', () => {
  const decide: Decide = (record, evidence) => {
    const decision = realDecide(record, evidence);
    if (decision?.rule !== 'change_rule') return decision;
    return { ...decision, next: { ...decision.next, rules: decision.next.rules.slice(-1) } };
  };
  const bounds = { ...NOTHING, operations: 1 };
  const result = search({ bounds, operations: ['maintenance'], decide });
  assert.match(result.violation ?? 'nothing', /^I6 /);
});
