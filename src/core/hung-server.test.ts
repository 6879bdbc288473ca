import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, TERM, type GroupBuilder, type NodeOptions } from '../../test/support/a-group.ts';
import { expectAction, expectRest, planned } from '../../test/support/planned.ts';
import { decide } from './decide.ts';
import type { PostgresReport } from './evidence.ts';
import { groupObstacles } from './obstacles.ts';

const DETECTION_MS = 3_000;
const HANG_MS = 15_000;
const deaf: NodeOptions = { postgres: { upstream: null } };
const mute: Partial<PostgresReport> = { status: 'unresponsive', role: null, position: null, followers: [] };

/** A primary that has not answered its keeper for so long. */
function hanging(unansweredMs: number, standby: NodeOptions = deaf): GroupBuilder {
  const primary: NodeOptions = { postgres: mute, report: { unansweredMs, servingTerm: null } };
  return aGroup().withPrimary('a', primary).withStandby('b', standby).withStandby('c', standby);
}

/** A primary whose postmaster alone hangs: its keeper's session and its walsenders go on. */
function closed(unansweredMs: number): GroupBuilder {
  return aGroup()
    .withPrimary('a', {
      postgres: { status: 'unresponsive' },
      report: { unansweredMs, problem: 'its disk takes no WAL' },
    })
    .withStandby('b')
    .withStandby('c');
}

function ruleOf(group: GroupBuilder): string | undefined {
  return decide(group.record(), group.evidence())?.rule;
}

test('a primary that answers neither its keeper nor any voter is failed over after the detection time', () => {
  assert.equal(ruleOf(hanging(DETECTION_MS - 1)), undefined);
  const group = hanging(DETECTION_MS);
  const decision = decide(group.record(), group.evidence());
  assert.equal(decision?.rule, 'fail_over');
  assert.equal(decision.next.intent?.cause, 'crash', 'it counts towards the budget for crashes');
  assert.match(decision.because, /PostgreSQL of "a" has not answered for 3000 ms/);
});

test('while a voter still receives from it, a primary that does not answer has the time that a slow one needs', () => {
  assert.equal(ruleOf(hanging(HANG_MS - 1, {})), undefined);
  assert.equal(ruleOf(hanging(HANG_MS, {})), 'fail_over');
});

test('a primary that lets nobody new in has that time too, whoever receives from it', () => {
  assert.equal(ruleOf(closed(HANG_MS - 1)), undefined);
  assert.equal(ruleOf(closed(HANG_MS)), 'fail_over');
});

test('a decider that lags does not take the silence of the voters for a proof', () => {
  const late = { deciderLagMs: DETECTION_MS };
  assert.equal(ruleOf(hanging(DETECTION_MS).withEvidence(late)), undefined);
  assert.equal(ruleOf(hanging(HANG_MS).withEvidence(late)), 'fail_over');
});

test('the policy and the budget for crashes hold for hangs: it is restarted in place, once and not in a hurry', () => {
  for (const kept of [{ onCrash: 'restart' }, { crashFailovers: 0 }] as const) {
    const patient = hanging(DETECTION_MS).withSettings(kept);
    assert.equal(ruleOf(patient), undefined);
    const group = hanging(HANG_MS).withSettings(kept);
    assert.equal(ruleOf(group), 'restart_in_place');
    assert.equal(ruleOf(group.withReign({ restarts: 1 })), undefined, 'it has yet to use the permission');
  }
});

test('nobody ends the sessions that a primary still serves, to restart it in place', () => {
  assert.equal(ruleOf(closed(HANG_MS).withSettings({ onCrash: 'restart' })), undefined);
});

test('a primary that hangs without a candidate is restarted in place', () => {
  const alone = aGroup().withPrimary('a', {
    postgres: mute,
    report: { unansweredMs: HANG_MS, servingTerm: null },
  });
  assert.equal(ruleOf(alone), 'restart_in_place');
});

test('a primary that hangs while it hands over is failed over', () => {
  const group = hanging(DETECTION_MS).withIntent({ kind: 'handover', stage: 'drain', target: 2 });
  assert.equal(ruleOf(group), 'fail_over_from_handover');
});

test('why tells that a primary hangs, also before it is given up', () => {
  const told = (group: GroupBuilder): string => groupObstacles(group.record(), group.evidence()).join('\n');
  assert.match(told(hanging(5_000, {})), /has not answered for 5000 ms, but "b" still receives/);
  assert.match(told(closed(5_000)), /has hung for 5000 ms: its disk takes no WAL/);
});

test('an old primary that hangs is ended as soon as another term begins', () => {
  const group = hanging(DETECTION_MS).withIntent({});
  assert.equal(expectAction(planned(group, 'a', { servingTerm: TERM }), 'stop').mode, 'immediate');
  const later = aGroup().withPrimary('b').withStandby('a', { postgres: mute });
  assert.equal(expectAction(planned(later, 'a', { servingTerm: TERM - 1 }), 'stop').mode, 'immediate');
});

test('a standby that hangs is started anew when it stays so, and so it can pledge', () => {
  const group = aGroup().withPrimary('a').withStandby('b', { postgres: mute });
  expectRest(planned(group, 'b', { unansweredMs: HANG_MS - 1 }));
  for (const each of [group, group.withIntent({})])
    assert.equal(expectAction(planned(each, 'b', { unansweredMs: HANG_MS }), 'stop').mode, 'immediate');
});

test('a holder that hangs is ended by its keeper only when it was told so, or nobody can tell it', () => {
  const group = hanging(HANG_MS);
  expectRest(planned(group, 'a'), /the group decides/);
  assert.equal(expectAction(planned(group, 'a', { storeSilentMs: 2_000 }), 'stop').mode, 'immediate');
  const told = group.withReign({ restarts: 1 });
  expectRest(planned(told, 'a', { unansweredMs: HANG_MS - 1 }), /the group decides/);
  assert.equal(expectAction(planned(told, 'a'), 'stop').mode, 'immediate');
});

test('nobody is given up when all who could take over say that they must not', () => {
  const unfit: NodeOptions = { postgres: { upstream: null }, report: { unfit: 'no watchdog' } };
  assert.equal(ruleOf(hanging(DETECTION_MS, unfit)), undefined);
  assert.equal(ruleOf(hanging(HANG_MS, unfit)), 'restart_in_place');
});
