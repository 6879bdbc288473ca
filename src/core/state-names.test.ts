import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aGroup,
  END_OF_WAL,
  HISTORY,
  TERM,
  TIMELINE,
  type GroupBuilder,
} from '../../test/support/a-group.ts';
import type { PostgresReport } from './evidence.ts';
import { assignedState, isSettled, reportedState, STATE_NAMES, type StateName } from './state-names.ts';

const NEXT = TERM + 1;
const reached = new Set<StateName>();

function assigned(group: GroupBuilder, name: string): StateName {
  const state = assignedState(group.record(), group.idOf(name));
  reached.add(state);
  return state;
}

function reported(group: GroupBuilder, name: string): StateName {
  const { reports } = group.evidence();
  const state = reportedState(
    group.record(),
    reports.find(({ report }) => report.node === group.idOf(name))?.report,
  );
  reached.add(state);
  return state;
}

const trio = (): GroupBuilder => aGroup().withPrimary('a').withStandby('b').withStandby('c');
const down = { status: 'stopped', role: null, upstream: null } as const;
const maintained = { entry: { maintenance: true } };

test('a settled group shows the same names on both sides', () => {
  const group = trio();
  assert.deepEqual([assigned(group, 'a'), assigned(group, 'b')], ['primary', 'secondary']);
  assert.deepEqual([reported(group, 'a'), reported(group, 'b')], ['primary', 'secondary']);
  assert.ok(
    isSettled(
      group.record(),
      group.evidence().reports.map(({ report }) => report),
    ),
  );
});

test('a node alone is single, and a primary without voters is a wait_primary', () => {
  const single = aGroup().withPrimary('a');
  assert.deepEqual([assigned(single, 'a'), reported(single, 'a')], ['single', 'single']);
  const waiting = aGroup().withPrimary('a').withStandby('b', { votes: false });
  assert.deepEqual([assigned(waiting, 'a'), reported(waiting, 'a')], ['wait_primary', 'wait_primary']);
  assert.deepEqual([assigned(waiting, 'b'), reported(waiting, 'b')], ['catchingup', 'catchingup']);
});

test('a standby outside of the quorum is as good a secondary as it will get', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b', { votes: false, entry: { replicationQuorum: false } });
  assert.deepEqual([assigned(group, 'b'), reported(group, 'b')], ['secondary', 'secondary']);
});

test('a change of the rule shows as apply_settings', () => {
  const joint = trio().withRules({ cohort: [1, 2], k: 1 }, { cohort: [1, 2, 3], k: 1 });
  assert.equal(assigned(joint, 'a'), 'apply_settings');
});

test('a handover goes through draining and prepare_promotion', () => {
  const group = trio().withIntent({ kind: 'handover', stage: 'drain', target: 2 });
  assert.deepEqual(
    [assigned(group, 'a'), assigned(group, 'b'), assigned(group, 'c')],
    ['draining', 'prepare_promotion', 'secondary'],
  );
});

test('a failover goes through demote_timeout, report_lsn and fast_forward', () => {
  const fetch = { candidate: 2, source: 3, upTo: { timeline: TIMELINE, lsn: END_OF_WAL } };
  const group = trio().withIntent({ stage: 'fetch', fetch });
  assert.deepEqual(
    [assigned(group, 'a'), assigned(group, 'b'), assigned(group, 'c')],
    ['demote_timeout', 'fast_forward', 'report_lsn'],
  );
  const pledge = { term: NEXT, position: fetch.upTo, history: HISTORY };
  const pledged = aGroup()
    .withPrimary('a')
    .withStandby('b', { report: { pledge } })
    .withStandby('c', { report: { pledge } })
    .withIntent({ stage: 'fetch', fetch });
  assert.deepEqual([reported(pledged, 'b'), reported(pledged, 'c')], ['fast_forward', 'report_lsn']);
});

test('a new reign goes through stop_replication and join_secondary', () => {
  const young = trio().withReign({ history: null, confirmed: false });
  assert.equal(assigned(young, 'a'), 'stop_replication');
  assert.equal(assigned(young, 'b'), 'join_secondary');
  const unopened = aGroup()
    .withPrimary('a', { report: { servingTerm: null } })
    .withStandby('b');
  assert.equal(reported(unopened, 'a'), 'stop_replication');
  const pledge = {
    term: TERM,
    position: { timeline: 1, lsn: '0/3000000' },
    history: [],
  };
  const joining = aGroup()
    .withPrimary('a')
    .withStandby('b', { report: { pledge }, postgres: { upstream: null } });
  assert.equal(reported(joining, 'b'), 'join_secondary');
  const upstream = { term: TERM - 1, host: 'c.example', port: 5432, silentMs: 0 };
  const behind = aGroup().withPrimary('a').withStandby('b', { postgres: { upstream } });
  assert.equal(reported(behind, 'b'), 'catchingup');
  const elected = aGroup()
    .withPrimary('a', { postgres: { role: 'standby' } })
    .withStandby('b');
  assert.equal(reported(elected, 'a'), 'prepare_promotion');
});

test('a node without data waits to be copied, and a server that is down is demoted', () => {
  const of = (postgres: Partial<PostgresReport>): StateName =>
    reported(aGroup().withPrimary('a').withStandby('b', { votes: false, postgres }), 'b');
  assert.equal(of({ ...down, status: 'absent' }), 'wait_standby');
  assert.equal(of({ ...down, status: 'incomplete' }), 'wait_standby');
  for (const status of ['stopped', 'crashed', 'starting', 'unresponsive'] as const) {
    assert.equal(of({ ...down, status }), 'demoted', status);
  }
  const unconfirmed = aGroup()
    .withPrimary('a')
    .withStandby('b', { votes: false })
    .withReign({ confirmed: false });
  assert.equal(assigned(unconfirmed, 'b'), 'wait_standby');
});

test('a primary that has no baton is draining', () => {
  const usurper = aGroup()
    .withPrimary('a')
    .withStandby('b', { postgres: { role: 'primary' } });
  assert.equal(reported(usurper, 'b'), 'draining');
});

test('maintenance shows its way in, and itself', () => {
  const voter = aGroup().withPrimary('a').withStandby('b').withStandby('c', maintained);
  assert.equal(assigned(voter, 'c'), 'wait_maintenance');
  const out = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { ...maintained, votes: false });
  assert.deepEqual([assigned(out, 'c'), reported(out, 'c')], ['maintenance', 'maintenance']);
  const stopped = { ...maintained, votes: false, postgres: down };
  assert.equal(reported(aGroup().withPrimary('a').withStandby('b', stopped), 'b'), 'maintenance');
  const leaving = aGroup()
    .withPrimary('a', maintained)
    .withStandby('b')
    .withIntent({ kind: 'handover', stage: 'drain', target: 2 });
  assert.equal(assigned(leaving, 'a'), 'prepare_maintenance');
});

test('a dropped node is demoted until it has let go', () => {
  const dropped = (postgres: Partial<PostgresReport>): GroupBuilder =>
    aGroup()
      .withPrimary('a')
      .withStandby('b', { votes: false, entry: { dropping: 'asked' }, postgres });
  assert.equal(assigned(dropped({}), 'b'), 'dropped');
  assert.equal(reported(dropped({}), 'b'), 'demoted');
  assert.equal(reported(dropped(down), 'b'), 'dropped');
});

test('a node that has not reported is unknown, and nothing settles without it', () => {
  const silent = aGroup().withPrimary('a').withStandby('b', { silentMs: null });
  assert.equal(reported(silent, 'b'), 'unknown');
  assert.equal(
    isSettled(
      silent.record(),
      silent.evidence().reports.map(({ report }) => report),
    ),
    false,
  );
  const young = aGroup().withPrimary('a').withStandby('b').withRecord({ reign: null });
  assert.equal(assigned(young, 'b'), 'init');
});

/** Names that pg_auto_failover has and that no situation of pgbaton maps to on purpose. */
const NEVER_SHOWN: readonly StateName[] = [];

test('every state name is reached by these tests', () => {
  assert.deepEqual([...reached, ...NEVER_SHOWN].sort(), STATE_NAMES.toSorted());
});
