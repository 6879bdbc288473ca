import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aFollower,
  aGroup,
  END_OF_WAL,
  SYSTEM_IDENTIFIER,
  TERM,
  HISTORY,
  TIMELINE,
  type GroupBuilder,
  type NodeOptions,
} from '../../test/support/a-group.ts';
import { decide, RULE_NAMES, type Decision, type RuleName } from './decide.ts';
import type { Pledge } from './evidence.ts';
import { emptyRecord, DEFAULT_SETTINGS } from './group-record.ts';

const NEXT = TERM + 1;
const position = { timeline: TIMELINE, lsn: END_OF_WAL };
const crashed: NodeOptions = { postgres: { status: 'crashed', role: null, upstream: null } };
const lost: NodeOptions = { silentMs: 60_000 };
const idle: NodeOptions = { postgres: { upstream: null } };

const reached = new Set<RuleName>();

function decided(group: GroupBuilder): Decision | undefined {
  const decision = decide(group.record(), group.evidence());
  if (decision !== undefined) reached.add(decision.rule);
  return decision;
}

function expectRule(group: GroupBuilder, rule: RuleName): Decision {
  const decision = decided(group);
  assert.equal(decision?.rule, rule, decision?.because);
  return decision!;
}

function pledging(term = NEXT, options: NodeOptions = idle): NodeOptions {
  const pledge: Pledge = { term, position, history: HISTORY };
  return { ...options, report: { pledge } };
}

test('a healthy group is left alone', () => {
  assert.equal(decided(aGroup().withPrimary('a').withStandby('b').withStandby('c')), undefined);
  assert.equal(decide(emptyRecord('default', 0, DEFAULT_SETTINGS), aGroup().evidence()), undefined);
});

test('form_group: the first holder names the group', () => {
  const first = aGroup().withPrimary('a').withRecord({ systemIdentifier: null });
  assert.equal(expectRule(first, 'form_group').next.systemIdentifier, SYSTEM_IDENTIFIER);
  const empty = aGroup()
    .withPrimary('a', { postgres: { systemIdentifier: null, status: 'absent', role: null } })
    .withRecord({ systemIdentifier: null });
  assert.equal(decided(empty), undefined);
});

test('learn_promotion: the history of a reign is what its holder reports, on the timeline that it really got', () => {
  const promoted = aGroup()
    .withPrimary('a', { postgres: { position: { timeline: 5, lsn: END_OF_WAL } } })
    .withReign({ history: null, confirmed: false });
  const { next } = expectRule(promoted, 'learn_promotion');
  assert.deepEqual(next.reign?.history, [{ timeline: 1, end: '0/3000000' }]);
  assert.equal(next.reign?.timeline, 5);
  assert.equal(next.nextTimeline, 7);
});

test('learn_promotion: what a primary of another term reports is no history of this one', () => {
  const older = aGroup()
    .withPrimary('a', { report: { promotedTerm: TERM - 1 } })
    .withReign({ history: null, confirmed: false });
  assert.equal(decided(older), undefined);
});

test('confirm_reign: a reign is confirmed when its marker is acknowledged, and not before', () => {
  const young = aGroup().withPrimary('a').withStandby('b').withReign({ confirmed: false });
  assert.equal(expectRule(young, 'confirm_reign').next.reign?.confirmed, true);
  const waiting = aGroup()
    .withPrimary('a', { report: { servingTerm: null } })
    .withReign({ confirmed: false });
  assert.equal(decided(waiting), undefined);
});

const handover = { kind: 'handover', stage: 'drain', cause: 'switchover', target: 2 } as const;

test('elect_after_drain: when the old primary has shut down and pledged, the others pledge', () => {
  const drained = aGroup()
    .withPrimary('a', pledging(NEXT, { postgres: { status: 'stopped', role: null } }))
    .withStandby('b')
    .withIntent(handover);
  const { intent } = expectRule(drained, 'elect_after_drain').next;
  assert.equal(intent?.stage, 'elect');
  assert.deepEqual(intent.cleanEnd, position);
});

test('fail_over_from_handover: a primary that dies while it hands over is failed over', () => {
  const died = aGroup().withPrimary('a', crashed).withStandby('b').withIntent(handover);
  const { intent } = expectRule(died, 'fail_over_from_handover').next;
  assert.deepEqual([intent?.kind, intent?.stage, intent?.cause], ['failover', 'elect', 'crash']);
  const gone = aGroup().withPrimary('a', lost).withStandby('b', idle).withIntent(handover);
  assert.equal(expectRule(gone, 'fail_over_from_handover').next.intent?.cause, 'lost');
});

test('undo_handover: a primary that does not shut down in time keeps the baton', () => {
  const stuck = aGroup().withPrimary('a').withStandby('b').withIntent(handover);
  assert.equal(decided(stuck.withEvidence({ intentAgeMs: 29_999 })), undefined);
  const { next } = expectRule(stuck.withEvidence({ intentAgeMs: 30_000 }), 'undo_handover');
  assert.equal(next.intent, null);
  assert.equal(next.reign?.holder, 1);
});

test('undo_handover: a primary that keeps the baton is neither in maintenance nor dropped', () => {
  for (const entry of [{ maintenance: true }, { dropping: 'asked' as const }]) {
    const group = aGroup().withPrimary('a', { entry }).withStandby('b', lost).withIntent(handover);
    const { nodes } = expectRule(group, 'undo_handover').next;
    assert.deepEqual([nodes[0]?.maintenance, nodes[0]?.dropping], [false, 'no']);
  }
});

test('undo_handover: nobody hands over to a node that has gone', () => {
  expectRule(aGroup().withPrimary('a').withStandby('b', lost).withIntent(handover), 'undo_handover');
});

test('begin_reign: with enough pledges the winner reigns on a timeline of its own, under the same cohort', () => {
  const group = aGroup()
    .withPrimary('a', crashed)
    .withStandby('b', pledging())
    .withStandby('c', pledging())
    .withIntent({});
  const { next } = expectRule(group, 'begin_reign');
  assert.deepEqual([next.reign?.holder, next.reign?.term, next.reign?.timeline], [2, NEXT, 4]);
  assert.equal(next.nextTimeline, 6);
  assert.equal(next.intent, null);
  assert.deepEqual(next.rules, [{ cohort: [1, 2, 3], k: 1 }]);
  assert.equal(next.pastReigns[0]?.term, TERM);
});

test('begin_reign: who is elected though it was to leave stays', () => {
  const group = aGroup()
    .withPrimary('a', lost)
    .withStandby('b', { ...pledging(), entry: { maintenance: true } })
    .withStandby('c', { ...pledging(), entry: { dropping: 'forced' } })
    .withIntent({})
    .withEvidence({ intentAgeMs: 5_000 });
  const { next } = expectRule(group, 'begin_reign');
  assert.deepEqual(
    [next.reign?.holder, next.nodes[1]?.maintenance, next.nodes[2]?.dropping],
    [2, false, 'forced'],
  );
});

test('begin_reign: the number that a promotion by hand would take is left out', () => {
  const group = aGroup()
    .withPrimary('a', crashed)
    .withStandby('b', pledging())
    .withStandby('c', pledging())
    .withRecord({ nextTimeline: TIMELINE + 1 })
    .withIntent({});
  assert.equal(expectRule(group, 'begin_reign').next.reign?.timeline, TIMELINE + 2);
});

test('begin_reign: a timeline that somebody used by hand is not given out again', () => {
  const group = aGroup()
    .withPrimary('a', { postgres: { status: 'crashed', role: null, position: { timeline: 9, lsn: '0/1' } } })
    .withStandby('b', pledging())
    .withStandby('c', pledging())
    .withIntent({});
  assert.equal(expectRule(group, 'begin_reign').next.reign?.timeline, 11);
});

test('begin_reign: a timeline that is known from a pledge only is not given out again either', () => {
  const pledge: Pledge = {
    term: NEXT,
    position: { timeline: 9, lsn: '0/1' },
    history: [],
  };
  const group = aGroup()
    .withPrimary('a', { postgres: { status: 'crashed', role: null, position: null }, report: { pledge } })
    .withStandby('b', pledging())
    .withStandby('c', pledging())
    .withIntent({});
  assert.equal(expectRule(group, 'begin_reign').next.reign?.timeline, 11);
});

test('begin_reign: the survivor of a pair goes on alone by the same decision, where that is allowed', () => {
  const pair = aGroup().withPrimary('a', lost).withStandby('b', pledging()).withIntent({});
  assert.deepEqual(expectRule(pair, 'begin_reign').next.rules, [
    { cohort: [1, 2], k: 1 },
    { cohort: [2], k: 0 },
  ]);
  const strict = pair.withSettings({ numberSyncStandbys: 1 });
  assert.deepEqual(expectRule(strict, 'begin_reign').next.rules, [{ cohort: [1, 2], k: 1 }]);
});

test('begin_reign: where no other can be elected, a member that joins or leaves reigns, under the rule that it is in', () => {
  const joining = { cohort: [1, 2, 3], k: 1 };
  const without = { cohort: [1, 3], k: 1 };
  const barred = pledging(NEXT, { ...idle, entry: { candidatePriority: 0 } });
  for (const rules of [
    [without, joining],
    [joining, without],
  ]) {
    const group = aGroup()
      .withPrimary('a', crashed)
      .withStandby('b', pledging())
      .withStandby('c', barred)
      .withRules(...rules)
      .withIntent({})
      .withEvidence({ intentAgeMs: 1_000 });
    const { next } = expectRule(group, 'begin_reign');
    assert.equal(next.reign?.holder, 2);
    assert.deepEqual(next.rules, [without, joining]);
  }
});

test('begin_reign: a preferred member that lacks WAL is told where to fetch it', () => {
  const behind: Pledge = {
    term: NEXT,
    position: { timeline: TIMELINE, lsn: '0/4000000' },
    history: HISTORY,
  };
  const group = aGroup()
    .withPrimary('a', crashed)
    .withStandby('b', { ...idle, entry: { candidatePriority: 90 }, report: { pledge: behind } })
    .withStandby('c', pledging())
    .withIntent({});
  const { intent } = expectRule(group, 'begin_reign').next;
  assert.equal(intent?.stage, 'fetch');
  assert.deepEqual(intent.fetch, { candidate: 2, source: 3, upTo: position });
});

const fetching = { stage: 'fetch', fetch: { candidate: 2, source: 3, upTo: position } } as const;

test('give_up_fetch: when the source of a fetch has gone, another election is held', () => {
  const behind: Pledge = {
    term: NEXT,
    position: { timeline: TIMELINE, lsn: '0/4000000' },
    history: HISTORY,
  };
  const group = aGroup()
    .withPrimary('a', crashed)
    .withStandby('b', { ...idle, report: { pledge: behind } })
    .withStandby('c', { ...lost, ...idle })
    .withIntent(fetching);
  assert.equal(expectRule(group, 'give_up_fetch').next.intent?.stage, 'elect');
});

test('begin_reign: the candidate that has fetched what was missing reigns', () => {
  const group = aGroup()
    .withPrimary('a', crashed)
    .withStandby('b', pledging(NEXT, { ...idle, entry: { candidatePriority: 90 } }))
    .withStandby('c', pledging())
    .withIntent(fetching);
  assert.equal(expectRule(group, 'begin_reign').next.reign?.holder, 2);
});

test('renew_term: a member that has promised a term nobody works on can only come back under a newer one', () => {
  const group = aGroup().withPrimary('a').withStandby('b', pledging(NEXT)).withStandby('c');
  const { next } = expectRule(group, 'renew_term');
  assert.equal(next.intent?.term, NEXT + 1);
  assert.equal(next.term, NEXT + 1);
});

test('fail_over: a crashed primary is given up at once while a candidate is ready', () => {
  const { next } = expectRule(
    aGroup().withPrimary('a', crashed).withStandby('b').withStandby('c'),
    'fail_over',
  );
  assert.deepEqual([next.intent?.kind, next.intent?.term, next.intent?.cause], ['failover', NEXT, 'crash']);
  assert.equal(next.term, NEXT);
});

test('fail_over: a lost primary is given up when enough members can prove that nothing is lost', () => {
  const trio = aGroup().withPrimary('a', lost).withStandby('b', idle).withStandby('c', idle);
  assert.equal(expectRule(trio, 'fail_over').next.intent?.cause, 'lost');
  const tooFew = aGroup().withPrimary('a', lost).withStandby('b', idle).withStandby('c', lost);
  assert.equal(decided(tooFew), undefined);
});

test('fail_over: members that are down count where the primary does not come back, since they can be started', () => {
  const down: NodeOptions = { postgres: { status: 'stopped', role: null, upstream: null } };
  const gone: NodeOptions = { postgres: { status: 'absent', role: null, upstream: null } };
  expectRule(aGroup().withPrimary('a', gone).withStandby('b', idle).withStandby('c', down), 'fail_over');
  expectRule(aGroup().withPrimary('a', lost).withStandby('b', idle).withStandby('c', down), 'fail_over');
  const restartable = aGroup().withPrimary('a', crashed).withStandby('b', idle).withStandby('c', down);
  expectRule(restartable, 'restart_in_place');
});

test('renew_term: a holder that has promised a later term goes on under a newer one, also without the others', () => {
  const alone = aGroup()
    .withPrimary('a', pledging(NEXT, crashed))
    .withStandby('b', lost)
    .withStandby('c', lost);
  expectRule(alone, 'renew_term');
});

test('fail_over: a pause, or maintenance of the primary, keeps everything as it is', () => {
  const group = aGroup().withPrimary('a', lost).withStandby('b', idle).withStandby('c', idle);
  assert.equal(decided(group.withSettings({ paused: true })), undefined);
  const maintained = aGroup()
    .withPrimary('a', { ...crashed, entry: { maintenance: true } })
    .withStandby('b')
    .withStandby('c');
  assert.equal(decided(maintained), undefined);
});

test('restart_in_place: a crashed primary without a candidate is told to restart, once for each crash', () => {
  const alone = aGroup().withPrimary('a', crashed).withStandby('b', lost);
  assert.equal(expectRule(alone, 'restart_in_place').next.reign?.restarts, 1);
  assert.equal(decided(alone.withReign({ restarts: 1 })), undefined);
});

test('restart_in_place: after a few failovers for crashes the next crash stays where it is', () => {
  const group = aGroup().withPrimary('a', crashed).withStandby('b').withStandby('c');
  expectRule(group.withEvidence({ recentCrashFailovers: 2 }), 'restart_in_place');
  expectRule(group.withSettings({ onCrash: 'restart' }), 'restart_in_place');
});

test('restart_in_place: a lost data directory is never restarted', () => {
  const gone: NodeOptions = { postgres: { status: 'absent', role: null, upstream: null } };
  assert.equal(decided(aGroup().withPrimary('a', gone).withStandby('b', lost)), undefined);
  const replaced = aGroup().withPrimary('a', gone).withStandby('b').withStandby('c');
  expectRule(replaced.withEvidence({ recentCrashFailovers: 9 }), 'fail_over');
});

const pair = { cohort: [1, 2], k: 1 } as const;
const alone = { cohort: [1], k: 0 } as const;

test('confirm_rule: the old rule goes when the primary proves that the new one is in force', () => {
  const group = aGroup()
    .withPrimary('a', { report: { confirmedRule: { ...pair, term: TERM, change: 1 } } })
    .withStandby('b')
    .withRules(alone, pair);
  assert.deepEqual(expectRule(group, 'confirm_rule').next.rules, [pair]);
});

test('confirm_rule: what was proven in another term, or before the rule had gone and come back, proves nothing', () => {
  for (const confirmedRule of [
    { ...pair, term: TERM - 1, change: 1 },
    { ...pair, term: TERM, change: 0 },
  ]) {
    const group = aGroup()
      .withPrimary('a', { report: { confirmedRule } })
      .withStandby('b')
      .withRules(alone, pair);
    assert.equal(decided(group), undefined);
  }
});

test('change_rule: the old rule stays in force beside the new one until that is confirmed', () => {
  const joining = aGroup()
    .withPrimary('a', { postgres: { followers: [aFollower(2)] } })
    .withStandby('b', { votes: false });
  assert.deepEqual(expectRule(joining, 'change_rule').next.rules, [alone, pair]);
});

test('change_rule: nothing changes while another change of reign is under way', () => {
  const joining = aGroup()
    .withPrimary('a', { postgres: { followers: [aFollower(2)] } })
    .withStandby('b', { votes: false })
    .withIntent({ stage: 'drain', kind: 'handover' });
  assert.equal(decided(joining), undefined);
});

test('remove_dropped: a dropped node goes when nothing counts on it and it has stopped', () => {
  const dropped = (options: NodeOptions): GroupBuilder =>
    aGroup()
      .withPrimary('a')
      .withStandby('b')
      .withStandby('c', { votes: false, ...options });
  const asked = { dropping: 'asked' } as const;
  assert.equal(decided(dropped({ entry: asked })), undefined);
  for (const gone of [
    { silentMs: 60_000 },
    { postgres: { status: 'stopped', role: null } },
    { postgres: { status: 'crashed', role: null } },
    { postgres: { status: 'incomplete', role: null } },
  ] as const) {
    const { next } = expectRule(dropped({ entry: asked, ...gone }), 'remove_dropped');
    assert.equal(next.nodes.length, 2);
  }
  expectRule(dropped({ entry: { dropping: 'forced' } }), 'remove_dropped');
});

test('remove_dropped: a voter leaves the cohort before it leaves the group', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { entry: { dropping: 'forced' } });
  expectRule(group, 'change_rule');
});

test('every rule is reached by these tests', () => {
  assert.deepEqual([...reached].sort(), RULE_NAMES.toSorted());
});

test('each decision tells in words why it was made', () => {
  const decision = decided(aGroup().withPrimary('a', crashed).withStandby('b').withStandby('c'));
  assert.equal(decision?.because, 'PostgreSQL of "a" died');
});
