import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Follower } from '../core/evidence.ts';
import type { ServerObservation } from '../postgres/postgres-server.ts';
import { aFollower, aGroup, TERM } from '../../test/support/a-group.ts';
import type { JournalEntry } from './journal.ts';
import {
  confirmedRule,
  hasVoters,
  localView,
  newNodeState,
  noteLook,
  reportOfState,
  type NodeState,
} from './node-state.ts';

const JOURNAL: JournalEntry = {
  schemaVersion: 1,
  record: null,
  recordVersion: 0,
  pledge: null,
  promotedTerm: TERM,
  servingTerm: TERM,
  restartsUsed: 0,
  session: 1,
  copyOf: null,
  followed: null,
};

const PRIMARY: ServerObservation = {
  status: 'running',
  systemIdentifier: '7300000000000000001',
  serverVersion: 150018,
  role: 'primary',
  position: { timeline: 2, lsn: '0/5000000' },
  history: [],
  markerTerm: TERM,
  upstream: null,
  followers: [],
  pid: 4711,
  synchronousStandbyNames: '',
  readOnly: false,
  isUnguarded: false,
  receiverRunning: false,
  replayLagBytes: 0,
  diskTimeline: null,
  detail: null,
};

function follower(node: number, flushLsn: string, changes: Partial<Follower> = {}): Follower {
  return { ...aFollower(node), flushLsn, replayLsn: flushLsn, ...changes };
}

function primary(followers: readonly Follower[]): NodeState {
  const state = newNodeState({ ...PRIMARY, followers }, JOURNAL, 0);
  state.appliedRule = { rule: { cohort: [1, 2, 3], k: 1, term: TERM, change: 4 }, safeLsn: '0/4000000' };
  return state;
}

test('a rule is confirmed when k voters hold all that was acknowledged before it', () => {
  assert.deepEqual(confirmedRule(primary([follower(2, '0/4000000')])), {
    cohort: [1, 2, 3],
    k: 1,
    term: TERM,
    change: 4,
  });
});

test('a rule is not confirmed by a voter that is behind, of another term, or of no rule', () => {
  assert.equal(confirmedRule(primary([follower(2, '0/3FFFFFF')])), null);
  assert.equal(confirmedRule(primary([follower(2, '0/4000000', { term: TERM - 1 })])), null);
  assert.equal(confirmedRule(primary([follower(9, '0/4000000')])), null);
});

test('a server that is no primary any more confirms nothing', () => {
  const state = primary([follower(2, '0/4000000')]);
  state.observation = { ...state.observation, role: 'standby' };
  assert.equal(confirmedRule(state), null);
});

test('a primary has its voters when k of them stream in its term', () => {
  const record = aGroup().withPrimary('a').withStandby('b').withStandby('c').record();
  const seen = (followers: readonly Follower[]): boolean => hasVoters(record, { ...PRIMARY, followers });
  assert.equal(seen([follower(2, '0/1')]), true);
  assert.equal(seen([follower(2, '0/1', { state: 'catchup' })]), false);
  assert.equal(seen([follower(2, '0/1', { term: TERM - 1 })]), false);
  assert.equal(seen([]), false);
});

test('voters are missed from the moment in which a look has not found them', () => {
  const record = aGroup().withPrimary('a').withStandby('b').record();
  const state = { ...newNodeState({ ...PRIMARY, followers: [aFollower(2)] }, JOURNAL, 0), record };
  const silentMs = (): number =>
    localView(1, state, JOURNAL, { nowMs: 3_000, storeSilentMs: 0, keeperLagMs: 0, leasedUntilMs: -Infinity })
      .quorumSilentMs;
  noteLook(state, PRIMARY, { beganMs: 990, endedMs: 1_000, timeoutMs: 2_000 });
  assert.equal(silentMs(), 2_000);
  noteLook(state, PRIMARY, { beganMs: 1_990, endedMs: 2_000, timeoutMs: 2_000 });
  assert.equal(silentMs(), 2_000);
});

test('silence that was seen goes on growing until the server is looked at again', () => {
  const upstream = { term: TERM, host: 'a', port: 5432, silentMs: 700 };
  const state = newNodeState({ ...PRIMARY, role: 'standby', upstream }, JOURNAL, 1_000);
  assert.equal(reportOfState(2, state, JOURNAL, 1_900).postgres.upstream?.silentMs, 1_600);
});

test('a standby never reports that it serves', () => {
  const state = newNodeState({ ...PRIMARY, role: 'standby' }, JOURNAL, 0);
  assert.equal(reportOfState(2, state, JOURNAL, 0).servingTerm, null);
});

test('a server has not answered since the first look that failed, until one succeeds', () => {
  const state = newNodeState(PRIMARY, JOURNAL, 0);
  const mute: ServerObservation = { ...PRIMARY, status: 'unresponsive', role: null };
  const unansweredMs = (nowMs: number): number => reportOfState(1, state, JOURNAL, nowMs).unansweredMs;
  noteLook(state, mute, { beganMs: 1_000, endedMs: 3_000, timeoutMs: 2_000 });
  assert.equal(unansweredMs(3_500), 2_500);
  noteLook(state, mute, { beganMs: 3_050, endedMs: 5_050, timeoutMs: 2_000 });
  assert.equal(unansweredMs(5_050), 4_050);
  noteLook(state, PRIMARY, { beganMs: 5_100, endedMs: 5_110, timeoutMs: 2_000 });
  assert.equal(unansweredMs(6_000), 0);
});

test('a keeper that stood still in the middle of a look accuses its server of no more than a look takes', () => {
  const state = newNodeState(PRIMARY, JOURNAL, 0);
  noteLook(state, { ...PRIMARY, status: 'unresponsive' }, { beganMs: 0, endedMs: 60_000, timeoutMs: 2_000 });
  assert.equal(reportOfState(1, state, JOURNAL, 60_000).unansweredMs, 2_000);
});

test('every member has to have flushed the sign, in the present term, before the primary may go on', () => {
  const record = aGroup().withPrimary('a').withStandby('b').withStandby('c').record();
  const leftMs = (followers: readonly Follower[]): number => {
    const state = { ...newNodeState(PRIMARY, JOURNAL, 0), record };
    state.asked = { term: TERM, askedAtMs: 1_000, lsn: '0/5000100' };
    noteLook(state, { ...PRIMARY, followers }, { beganMs: 1_490, endedMs: 1_500, timeoutMs: 2_000 });
    const times = { nowMs: 1_500, storeSilentMs: 0, keeperLagMs: 0, leasedUntilMs: -Infinity };
    return localView(1, state, JOURNAL, times).leaseLeftMs;
  };
  const [b, c] = [follower(2, '0/5000100'), follower(3, '0/5000100')];
  // From the moment in which they were asked, and not from that in which they answered.
  assert.equal(leftMs([b, c]), record.settings.leaseMs - 500);
  assert.equal(leftMs([b]), -Infinity);
  assert.equal(leftMs([b, follower(3, '0/50000FF')]), -Infinity);
  assert.equal(leftMs([b, { ...c, term: TERM - 1 }]), -Infinity);
});

test('WAL stands still from the look on that has seen it grow last', () => {
  const record = aGroup().withPrimary('a').withStandby('b').record();
  const state = { ...newNodeState({ ...PRIMARY, role: 'standby' }, JOURNAL, 0), record };
  const stillMs = (): number =>
    localView(2, state, JOURNAL, { nowMs: 9_000, storeSilentMs: 0, keeperLagMs: 0, leasedUntilMs: 0 })
      .walStillMs;
  assert.equal(stillMs(), 9_000);
  const grown = { ...PRIMARY, position: { timeline: 2, lsn: '0/5000100' } };
  noteLook(state, grown, { beganMs: 1_990, endedMs: 2_000, timeoutMs: 2_000 });
  noteLook(state, grown, { beganMs: 3_990, endedMs: 4_000, timeoutMs: 2_000 });
  assert.equal(stillMs(), 7_000);
});
