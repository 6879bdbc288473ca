import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aFollower,
  aGroup,
  END_OF_WAL,
  HISTORY,
  TERM,
  TIMELINE,
  type GroupBuilder,
  type NodeOptions,
} from '../../test/support/a-group.ts';
import {
  crashed,
  expectAction,
  expectRest,
  planned,
  settledPrimary,
  type Changes,
} from '../../test/support/planned.ts';
import { decide } from './decide.ts';
import type { GroupSettings, Rule } from './group-record.ts';
import { guardOrder } from './guard-order.ts';
import { mustEndForLease } from './be-primary.ts';
import { updateSettings } from './requests.ts';

const NEXT = TERM + 1;
const lost: NodeOptions = { silentMs: 60_000 };
const idle: NodeOptions = { postgres: { upstream: null } };
const end = { timeline: TIMELINE, lsn: END_OF_WAL };
/** 1 MiB and 16 bytes before it. */
const FAR_BEHIND = '0/4EFFFF0';
const ASYNC: Rule = { cohort: [1, 2, 3], k: 0 };
const over = { lease: { term: null, storeAgeMs: 1_000_000 }, lastKnownEnd: end };

function anAsyncGroup(primary: NodeOptions = {}, standby: NodeOptions = {}): GroupBuilder {
  return aGroup()
    .withPrimary('a', primary)
    .withStandby('b', standby)
    .withStandby('c', standby)
    .withSettings({ durability: 'async' })
    .withRules(ASYNC);
}

function ruleOf(group: GroupBuilder): string | undefined {
  return decide(group.record(), group.evidence())?.rule;
}

test('a group that becomes async goes on with the same members, and waits for none of them', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c')
    .withSettings({ durability: 'async' });
  const decision = decide(group.record(), group.evidence());
  assert.equal(decision?.rule, 'change_rule');
  assert.deepEqual(decision.next.rules.at(-1), ASYNC);
});

test('a rule without a quorum is confirmed only to a holder that has the lease', () => {
  const confirmedRule = { ...ASYNC, term: TERM, change: 1 };
  const group = anAsyncGroup({ report: { confirmedRule } })
    .withRules({ cohort: [1, 2, 3], k: 1 }, ASYNC)
    .withRecord({ ruleChanges: 1 });
  assert.equal(ruleOf(group), undefined);
  assert.equal(ruleOf(group.withEvidence({ lease: { term: TERM, storeAgeMs: 1_000_000 } })), 'confirm_rule');
});

test('a lost primary is given up when its lease has been seen to be over, and not before', () => {
  assert.equal(ruleOf(anAsyncGroup(lost, idle)), undefined);
  const held = { lease: { term: TERM, storeAgeMs: 1_000_000 }, lastKnownEnd: end };
  assert.equal(ruleOf(anAsyncGroup(lost, idle).withEvidence(held)), undefined);
  const free = anAsyncGroup(lost, idle).withEvidence(over);
  const decision = decide(free.record(), free.evidence());
  assert.equal(decision?.rule, 'fail_over');
  assert.equal(decision.needsNoLease, true);
});

test('a decider that has just begun does not take a new store for one whose lease is over', () => {
  const group = anAsyncGroup(lost, idle).withEvidence({
    ...over,
    lease: { term: null, storeAgeMs: 5_000 },
  });
  assert.equal(ruleOf(group), undefined);
});

test('nobody takes over who lacks more than maximum_lag_on_failover, or when nobody knows how much', () => {
  const behind: NodeOptions = {
    postgres: { upstream: null, position: { timeline: TIMELINE, lsn: FAR_BEHIND } },
  };
  assert.equal(ruleOf(anAsyncGroup(lost, behind).withEvidence(over)), undefined);
  assert.equal(
    ruleOf(anAsyncGroup(lost, idle).withEvidence({ lease: { term: null, storeAgeMs: 1_000_000 } })),
    undefined,
  );
  const roomy = anAsyncGroup(lost, behind)
    .withEvidence(over)
    .withSettings({ maximumLagOnFailover: 1_048_592 });
  assert.equal(ruleOf(roomy), 'fail_over');
});

test('nobody is given up while the rule changes: who may be promoted is not settled', () => {
  const group = anAsyncGroup(lost, idle)
    .withRules(ASYNC, { cohort: [1, 2, 3], k: 1 })
    .withEvidence(over);
  assert.equal(ruleOf(group), undefined);
});

function electing(primary: NodeOptions, lsn = END_OF_WAL): GroupBuilder {
  const pledge = { term: NEXT, position: { timeline: TIMELINE, lsn }, history: HISTORY };
  return anAsyncGroup(primary, { ...idle, report: { pledge } }).withIntent({
    kind: 'failover',
    term: NEXT,
    stage: 'elect',
  });
}

test('a reign that begins without the pledge of the old primary says what it may lack, and needs the lease to be over', () => {
  const group = electing(lost, '0/4FFFF00').withEvidence({ ...over, intentAgeMs: 1_000 });
  const decision = decide(group.record(), group.evidence());
  assert.equal(decision?.rule, 'begin_reign');
  assert.equal(decision.needsNoLease, true);
  assert.equal(decision.next.reign?.fencedBy, 'lease');
  assert.equal(decision.next.reign.mayLackBytes, 256);
  assert.deepEqual(decision.next.rules, [ASYNC]);
  const held = { ...over, lease: { term: TERM, storeAgeMs: 1_000_000 }, intentAgeMs: 1_000 };
  assert.equal(ruleOf(electing(lost).withEvidence(held)), undefined);
});

test('a crashed primary whose keeper is here has some seconds to give what only it has', () => {
  const down: NodeOptions = { postgres: crashed };
  assert.equal(ruleOf(electing(down).withEvidence({ ...over, intentAgeMs: 1_000 })), undefined);
  assert.equal(ruleOf(electing(down).withEvidence({ ...over, intentAgeMs: 5_000 })), 'begin_reign');
  const pledge = { term: NEXT, position: end, history: HISTORY };
  const came: NodeOptions = { postgres: { role: 'standby', upstream: null }, report: { pledge } };
  const proven = electing(came).withEvidence({ intentAgeMs: 1_000 });
  const decision = decide(proven.record(), proven.evidence());
  assert.equal(decision?.rule, 'begin_reign');
  assert.equal(decision.next.reign?.fencedBy, undefined);
  assert.equal(decision.needsNoLease, undefined);
});

test('who follows an elected node that was never promoted waits for the same lease, and pays the same price', () => {
  const pledge = { term: NEXT, position: end, history: HISTORY };
  const elected: NodeOptions = {
    postgres: { role: 'standby', upstream: null },
    report: { pledge, servingTerm: null },
  };
  const fenced = { fencedBy: 'lease', mayLackBytes: 256, confirmed: false } as const;
  const next = (history: typeof HISTORY | null) => {
    const group = electing(elected)
      .withReign({ ...fenced, history })
      .withEvidence({ intentAgeMs: 1_000 });
    return decide(group.record(), group.evidence());
  };
  // The node itself has promised, so nothing of its own lease has to be waited for.
  assert.equal(next(null)?.needsNoLease, undefined);
  assert.deepEqual([next(null)?.next.reign?.fencedBy, next(null)?.next.reign?.mayLackBytes], ['lease', 256]);
  assert.equal(next(HISTORY)?.next.reign?.fencedBy, undefined);
});

test('with strict reads a quorum elects as ever, and the reign begins when the lease is over', () => {
  const group = electing(lost)
    .withRules({ cohort: [1, 2, 3], k: 1 })
    .withSettings({ durability: 'quorum' });
  const strictly: Partial<GroupSettings> = { reads: 'strict' };
  const aged = { intentAgeMs: 1_000 };
  assert.equal(ruleOf(group.withEvidence(aged)), 'begin_reign');
  assert.equal(
    ruleOf(
      group.withSettings(strictly).withEvidence({ ...aged, lease: { term: TERM, storeAgeMs: 1_000_000 } }),
    ),
    undefined,
  );
  assert.equal(
    ruleOf(group.withEvidence({ ...aged, lease: { term: null, storeAgeMs: 1_000_000 } })),
    'begin_reign',
  );
});

const leased: Changes = { leaseLeftMs: 6_000, synchronousStandbyNames: '' };

function settled(group: GroupBuilder, changes: Changes): Changes {
  const { configured } = settledPrimary(group);
  return {
    ...settledPrimary(group),
    ...(configured == null ? {} : { configured: { ...configured, synchronousStandbyNames: '' } }),
    ...leased,
    ...changes,
  };
}

test('a primary with a lease goes on, and is ended when a third of it is left', () => {
  const group = anAsyncGroup();
  expectRest(planned(group, 'a', settled(group, {})));
  expectRest(planned(group, 'a', settled(group, { leaseLeftMs: 2_001, membersAskedMs: 0 })));
  const action = expectAction(planned(group, 'a', settled(group, { leaseLeftMs: 2_000 })), 'stop');
  assert.equal(action.mode, 'immediate');
});

test('a keeper that has just started has a moment to be given the lease', () => {
  const group = anAsyncGroup();
  const fresh = settled(group, { leaseLeftMs: -Infinity, leaseGraceMs: 1, membersAskedMs: 0 });
  expectRest(planned(group, 'a', fresh));
  expectAction(planned(group, 'a', { ...fresh, leaseGraceMs: 0 }), 'stop');
});

test('a primary whose lease is not renewed asks its members, if all of them stream', () => {
  const group = anAsyncGroup();
  const stale = settled(group, { leaseLeftMs: 4_000 });
  expectAction(planned(group, 'a', stale), 'ask_members');
  expectRest(planned(group, 'a', { ...stale, membersAskedMs: 100 }));
  expectRest(planned(group, 'a', { ...stale, postgres: { followers: [aFollower(2, TERM)] } }));
});

test('commits do not stop to wait for voters before there is a lease', () => {
  const group = anAsyncGroup();
  const names = 'ANY 1 ("pgbaton_2@3", "pgbaton_3@3")';
  const before = settled(group, { synchronousStandbyNames: names, leaseGraceMs: 1_000 });
  expectAction(planned(group, 'a', before), 'apply_rule');
  expectRest(planned(group, 'a', { ...before, leaseLeftMs: 0, membersAskedMs: 0 }), /lease/);
});

test('an elected node is promoted with a lease, and when what it last confirmed has run out', () => {
  const group = anAsyncGroup({ report: { promotedTerm: null, servingTerm: null } }).withReign({
    fencedBy: 'lease',
    history: null,
    confirmed: false,
    timeline: 4,
    basis: { position: end, history: HISTORY },
  });
  const standby: Changes = { postgres: { role: 'standby', upstream: null, followers: [] } };
  expectRest(planned(group, 'a', { ...standby, walStillMs: 60_000 }), /lease/);
  expectRest(planned(group, 'a', { ...standby, leaseLeftMs: 6_000, walStillMs: 5_999 }), /last WAL/);
  expectAction(planned(group, 'a', { ...standby, leaseLeftMs: 6_000, walStillMs: 6_000 }), 'promote');
});

test('a crashed primary without a lease is not started, whatever the store says', () => {
  const group = anAsyncGroup().withReign({ restarts: 1 });
  const down: Changes = { postgres: { ...crashed }, diskTimeline: TIMELINE, storeSilentMs: 60_000 };
  expectRest(planned(group, 'a', down), /lease/);
  expectAction(planned(group, 'a', { ...down, leaseLeftMs: 6_000 }), 'start_primary');
});

test('what has no clients yet need not be ended', () => {
  const group = anAsyncGroup();
  const local = group.local('a', { leaseLeftMs: 0, servingTerm: null });
  assert.equal(mustEndForLease(group.record(), local), true);
  const configured = { ...settledPrimary(group).configured!, locked: true };
  assert.equal(mustEndForLease(group.record(), { ...local, configured }), false);
});

test('the fencer ends a server with its lease, and without conditions', () => {
  const group = anAsyncGroup();
  assert.deepEqual(guardOrder(group.record(), group.local('a', { leaseLeftMs: 4_000 })), {
    kind: 'lease',
    term: TERM,
    leftMs: 4_000,
  });
  assert.equal(guardOrder(group.record(), group.local('a', { leaseLeftMs: -1 })).kind, 'hold');
});

test('commits that wait for nobody can not wait for number_sync_standbys', () => {
  const record = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c')
    .withSettings({ numberSyncStandbys: 1 })
    .record();
  assert.equal(updateSettings(record, { durability: 'async' }).kind, 'refused');
  assert.equal(updateSettings(record, { durability: 'async', numberSyncStandbys: null }).kind, 'accepted');
});
