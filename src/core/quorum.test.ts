import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aGroup } from '../../test/support/a-group.ts';
import type { NodeId, Rule } from './group-record.ts';
import {
  effectiveNumberSync,
  hasPromotionQuorum,
  pledgesNeeded,
  sameRule,
  satisfiesAllRules,
  votersOf,
  withRules,
} from './quorum.ts';

const aRule: fc.Arbitrary<Rule> = fc
  .uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 })
  .chain((members) =>
    fc.record({
      cohort: fc.constant(members.toSorted((a, b) => a - b)),
      k: fc.integer({ min: 0, max: members.length - 1 }),
    }),
  );

/** Every subset of a small set. */
function subsets(nodes: readonly NodeId[]): readonly (readonly NodeId[])[] {
  return nodes.reduce<readonly (readonly NodeId[])[]>(
    (all, node) => [...all, ...all.map((set) => [...set, node])],
    [[]],
  );
}

const intersects = (a: readonly NodeId[], b: readonly NodeId[]): boolean =>
  a.some((node) => b.includes(node));

test('the table of the design: members, k, and how many must pledge', () => {
  const needed = (size: number, k: number): number =>
    pledgesNeeded({ cohort: Array.from({ length: size }, (_, i) => i + 1), k });
  assert.deepEqual([needed(2, 1), needed(3, 1), needed(3, 2), needed(4, 2), needed(5, 2)], [1, 2, 1, 2, 3]);
});

test('every set that can acknowledge a commit and every set that can promote share a member', () => {
  fc.assert(
    fc.property(aRule, (rule) => {
      const acknowledging = rule.cohort.flatMap((holder) =>
        subsets(votersOf(rule, holder))
          .filter((voters) => voters.length === rule.k)
          .map((voters) => [holder, ...voters]),
      );
      const promoting = subsets(rule.cohort).filter((pledged) => hasPromotionQuorum(rule, pledged));
      for (const acks of acknowledging) {
        for (const pledges of promoting) assert.ok(intersects(acks, pledges));
      }
    }),
  );
});

test('one pledge fewer than needed can miss a commit, so the quorum is no larger than it must be', () => {
  fc.assert(
    fc.property(aRule, (rule) => {
      const tooFew = rule.cohort.slice(0, pledgesNeeded(rule) - 1);
      const rest = rule.cohort.filter((node) => !tooFew.includes(node));
      assert.equal(hasPromotionQuorum(rule, tooFew), false);
      assert.equal(rest.length, rule.k + 1);
    }),
  );
});

test('while a rule changes, what promotes shares a member with the commits of the old and of the new rule', () => {
  fc.assert(
    fc.property(fc.array(aRule, { minLength: 1, maxLength: 3 }), (rules) => {
      const record = aGroup()
        .withPrimary('a')
        .withRules(...rules)
        .record();
      const everybody = [...new Set(rules.flatMap((rule) => rule.cohort))];
      for (const pledged of subsets(everybody)) {
        if (!satisfiesAllRules(record, pledged)) continue;
        for (const rule of rules) {
          for (const acks of subsets(rule.cohort).filter((set) => set.length === rule.k + 1)) {
            assert.ok(intersects(acks, pledged));
          }
        }
      }
    }),
  );
});

test('nodes outside of the cohort and nodes named twice do not count', () => {
  const rule: Rule = { cohort: [1, 2, 3], k: 1 };
  assert.equal(hasPromotionQuorum(rule, [1, 7, 8]), false);
  assert.equal(hasPromotionQuorum(rule, [1, 1]), false);
  assert.equal(hasPromotionQuorum(rule, [1, 3]), true);
});

test('a group without a rule promotes nobody', () => {
  assert.equal(satisfiesAllRules(aGroup().withPrimary('a').withRules().record(), [1]), false);
});

test('a wanted rule is worked towards last, and every earlier one stays in force', () => {
  const [a, b] = [
    { cohort: [1], k: 0 },
    { cohort: [1, 2], k: 1 },
  ];
  const record = aGroup().withPrimary('a').withRules(a!).record();
  assert.deepEqual(withRules(record, [a!, b!]).rules, [a, b]);
  assert.deepEqual(withRules(record, [a!, b!, a!]).rules, [b, a]);
  assert.equal(withRules(record, [a!, b!]).ruleChanges, record.ruleChanges + 1);
  assert.equal(sameRule({ cohort: [1, 2], k: 1 }, { cohort: [1, 2], k: 0 }), false);
  assert.equal(sameRule({ cohort: [1, 2], k: 1 }, { cohort: [1, 3], k: 1 }), false);
});

test('number_sync_standbys is 0 with one standby and 1 from two on, until somebody sets it', () => {
  const pair = aGroup().withPrimary('a').withStandby('b');
  assert.equal(effectiveNumberSync(pair.record()), 0);
  assert.equal(effectiveNumberSync(pair.withStandby('c').record()), 1);
  assert.equal(effectiveNumberSync(pair.withSettings({ numberSyncStandbys: 0 }).record()), 0);
});

test('a standby that has not caught up yet does not raise number_sync_standbys, one that is away for a while does', () => {
  const trio = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { votes: false, entry: { hasVoted: false } })
    .record();
  assert.equal(effectiveNumberSync(trio), 0);
  const joined = withRules(trio, [{ cohort: [1, 2, 3], k: 1 }]);
  assert.equal(effectiveNumberSync(joined), 1);
  assert.equal(effectiveNumberSync(withRules(joined, [{ cohort: [1, 2], k: 1 }])), 1);
});

test('a standby outside of the replication quorum or on its way out does not raise number_sync_standbys', () => {
  const outside = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { entry: { replicationQuorum: false } });
  assert.equal(effectiveNumberSync(outside.record()), 0);
  const leaving = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { entry: { dropping: 'asked' } });
  assert.equal(effectiveNumberSync(leaving.record()), 0);
});
