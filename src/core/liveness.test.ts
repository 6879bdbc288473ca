import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, type GroupBuilder, type NodeOptions } from '../../test/support/a-group.ts';
import { decide } from './decide.ts';
import type { PostgresReport, PostgresStatus } from './evidence.ts';
import { canStand, holderCondition, isEligible, isEligibleAtNeed } from './liveness.ts';

const DETECTION_MS = 3_000;

function trio(primary: NodeOptions, standby: NodeOptions = {}): GroupBuilder {
  return aGroup().withPrimary('a', primary).withStandby('b', standby).withStandby('c', standby);
}

function conditionOf(group: GroupBuilder): string {
  return holderCondition(group.record(), group.evidence()).kind;
}

const receivesNothing: NodeOptions = { postgres: { upstream: null } };

test('a primary that reports is alive, also when its PostgreSQL is slow or starting', () => {
  for (const status of ['running', 'starting', 'unresponsive'] as const) {
    assert.equal(conditionOf(trio({ postgres: { status } })), 'alive', status);
  }
});

test('a keeper that says that PostgreSQL is gone is believed at once', () => {
  const statuses: readonly PostgresStatus[] = ['crashed', 'stopped', 'absent', 'incomplete'];
  for (const status of statuses) {
    assert.equal(conditionOf(trio({ postgres: { status, role: null } })), 'down', status);
  }
});

test('a holder with the data of another system has lost its own, whatever it says of its WAL', () => {
  for (const status of ['running', 'stopped', 'crashed'] as const)
    assert.equal(conditionOf(trio({ postgres: { status, systemIdentifier: '1' } })), 'down', status);
});

test('a node that was elected while it was stopped is not down, it has yet to start', () => {
  const elected = trio({ postgres: { status: 'stopped', role: null }, report: { promotedTerm: 2 } });
  assert.equal(conditionOf(elected), 'alive');
});

test('before the group is formed nobody is down', () => {
  const first = aGroup()
    .withPrimary('a', { postgres: { status: 'absent', role: null, systemIdentifier: null } })
    .withRecord({ systemIdentifier: null });
  assert.equal(conditionOf(first), 'alive');
});

test('a primary is lost when keeper and replication have both been silent for the detection time', () => {
  assert.equal(conditionOf(trio({ silentMs: DETECTION_MS }, receivesNothing)), 'lost');
  assert.equal(conditionOf(trio({ silentMs: DETECTION_MS - 1 }, receivesNothing)), 'alive');
});

test('a voter that still receives proves that PostgreSQL lives, and only the keeper is accused', () => {
  assert.equal(conditionOf(trio({ silentMs: 60_000 })), 'doubtful');
});

test('the age of a report is added to the silence that it tells of', () => {
  const upstream = { term: 3, host: 'a.example', port: 5432, silentMs: 1_500 };
  const told = (silentMs: number): string =>
    conditionOf(trio({ silentMs: 60_000 }, { silentMs, postgres: { upstream } }));
  assert.equal(told(1_499), 'doubtful');
  assert.equal(told(1_500), 'lost');
});

test('receiving in an earlier term, or outside of the cohort, proves nothing', () => {
  const upstream = { term: 2, host: 'a.example', port: 5432, silentMs: 0 };
  assert.equal(conditionOf(trio({ silentMs: 60_000 }, { postgres: { upstream } })), 'lost');
  const outsider = aGroup()
    .withPrimary('a', { silentMs: 60_000 })
    .withStandby('b', receivesNothing)
    .withStandby('c', { votes: false });
  assert.equal(conditionOf(outsider), 'lost');
});

test('a decider that lags accuses nobody', () => {
  const late = trio({ silentMs: 60_000 }, receivesNothing).withEvidence({ deciderLagMs: 1_501 });
  assert.equal(conditionOf(late), 'doubtful');
});

test('a decider that has just started waits for the detection time before it accuses', () => {
  const young = trio({ silentMs: null }, receivesNothing).withEvidence({ deciderAgeMs: DETECTION_MS - 1 });
  assert.equal(conditionOf(young), 'alive');
  assert.equal(conditionOf(young.withEvidence({ deciderAgeMs: DETECTION_MS })), 'lost');
});

test('a decider that could hear nobody meanwhile has not heard the holder be silent', () => {
  const deaf = trio({ silentMs: 24_000 }, receivesNothing).withEvidence({ deciderAgeMs: DETECTION_MS - 1 });
  assert.equal(conditionOf(deaf), 'alive');
  assert.equal(conditionOf(deaf.withEvidence({ deciderAgeMs: DETECTION_MS })), 'lost');
});

test('a node may hold the baton only as a voter under every rule, with a priority, and left alone by people', () => {
  const eligible = (options: NodeOptions): boolean =>
    isEligible(aGroup().withPrimary('a').withStandby('b', options).record(), 2);
  assert.equal(eligible({}), true);
  assert.equal(eligible({ entry: { candidatePriority: 0 } }), false);
  assert.equal(eligible({ entry: { maintenance: true } }), false);
  assert.equal(eligible({ entry: { dropping: 'asked' } }), false);
  assert.equal(eligible({ votes: false }), false);
  const joining = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withRules({ cohort: [1], k: 0 }, { cohort: [1, 2], k: 1 });
  assert.equal(isEligible(joining.record(), 2), false);
  assert.equal(isEligibleAtNeed(joining.record(), 2), true);
  assert.equal(isEligibleAtNeed(joining.record(), 9), false);
  assert.equal(isEligible(joining.record(), 9), false);
});

test('only a running standby with a keeper that is heard can stand for election', () => {
  const stands = (postgres: Partial<PostgresReport>, silentMs = 10): boolean => {
    const group = aGroup().withPrimary('a').withStandby('b', { postgres, silentMs });
    return canStand(group.record(), group.evidence(), 2);
  };
  assert.equal(stands({}), true);
  assert.equal(stands({}, DETECTION_MS), false);
  assert.equal(stands({ status: 'stopped', role: null }), false);
  assert.equal(stands({ role: 'primary' }), false);
  const unfit = aGroup()
    .withPrimary('a')
    .withStandby('b', { report: { unfit: 'no watchdog' } });
  assert.equal(canStand(unfit.record(), unfit.evidence(), 2), false);
});

test('what is under way is not given up because a decider has not heard of a node while it was deaf, or did not run', () => {
  const fetch = { candidate: 2, source: 3, upTo: { timeline: 2, lsn: '0/5000000' } };
  const intents = {
    undo_handover: { kind: 'handover', stage: 'drain', target: 3 },
    give_up_fetch: { stage: 'fetch', fetch },
  } as const;
  for (const silentMs of [null, 24_000])
    for (const [rule, intent] of Object.entries(intents)) {
      const group = aGroup()
        .withPrimary('a')
        .withStandby('b')
        .withStandby('c', { silentMs })
        .withIntent(intent);
      const ruleAfter = (deciderAgeMs: number): string | undefined =>
        decide(group.record(), group.withEvidence({ deciderAgeMs }).evidence())?.rule;
      assert.equal(ruleAfter(DETECTION_MS - 1), undefined);
      assert.equal(ruleAfter(DETECTION_MS), rule);
    }
});
