import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aGroup,
  HISTORY,
  TERM,
  TIMELINE,
  type GroupBuilder,
  type NodeOptions,
} from '../../test/support/a-group.ts';
import type { Pledge } from './evidence.ts';
import { elect, type Outcome } from './election.ts';
import type { Intent } from './group-record.ts';

const NEXT_TERM = TERM + 1;

function pledged(lsn: string, options: NodeOptions = {}, term = NEXT_TERM, timeline = 2): NodeOptions {
  const pledge: Pledge = {
    term,
    position: { timeline, lsn },
    history: timeline === TIMELINE ? HISTORY : [],
  };
  return { ...options, report: { pledge, ...options.report } };
}

const dead: NodeOptions = { silentMs: 60_000 };

function outcome(group: GroupBuilder): Outcome {
  const record = group.record();
  assert.ok(record.intent);
  return elect(record, record.intent, group.evidence());
}

function winner(group: GroupBuilder): string {
  const result = outcome(group);
  assert.notEqual(result.kind, 'wait', result.because);
  return group.record().nodes.find((node) => result.kind !== 'wait' && node.id === result.winner.node)!.name;
}

function failover(
  a: NodeOptions,
  b: NodeOptions,
  c: NodeOptions,
  intent: Partial<Intent> = {},
): GroupBuilder {
  return aGroup().withPrimary('a', a).withStandby('b', b).withStandby('c', c).withIntent(intent);
}

test('too few pledges elect nobody, however long it takes', () => {
  const alone = failover(dead, pledged('0/9'), dead).withEvidence({ intentAgeMs: 3_600_000 });
  assert.equal(outcome(alone).kind, 'wait');
});

test('a pledge of another term, or one of a member that is silent, does not count', () => {
  assert.equal(outcome(failover(dead, pledged('0/9'), pledged('0/9', {}, TERM))).kind, 'wait');
  assert.equal(outcome(failover(dead, pledged('0/9'), pledged('0/9', dead))).kind, 'wait');
});

test('the most advanced of the pledged members is elected', () => {
  assert.equal(winner(failover(dead, pledged('0/8'), pledged('0/9'))), 'c');
  assert.equal(winner(failover(dead, pledged('0/9'), pledged('0/9'))), 'b');
});

test('a later timeline is more advanced than any LSN', () => {
  assert.equal(winner(failover(dead, pledged('0/9'), pledged('F/9', {}, NEXT_TERM, 1))), 'b');
});

test('a preferred member that lacks WAL fetches it before it is promoted', () => {
  const preferred = failover(dead, pledged('0/8', { entry: { candidatePriority: 90 } }), pledged('0/9'));
  const result = outcome(preferred);
  assert.equal(result.kind, 'fetch');
  assert.ok(result.kind === 'fetch');
  assert.deepEqual([result.winner.node, result.source.node], [2, 3]);
});

test('a member that may not be promoted still pledges, and its WAL is fetched', () => {
  const witness = failover(dead, pledged('0/8'), pledged('0/9', { entry: { candidatePriority: 0 } }));
  const result = outcome(witness);
  assert.ok(result.kind === 'fetch');
  assert.deepEqual([result.winner.node, result.source.node], [2, 3]);
});

test('who was promoted by hand since it pledged could not fetch what it lacks, and another is elected', () => {
  const preferred = pledged('0/8', { entry: { candidatePriority: 90 } });
  const byHand = { timeline: 3, lsn: '0/A' };
  const history = [...HISTORY, { timeline: 2, end: '0/8' }];
  const promoted: NodeOptions = { ...preferred, postgres: { role: 'primary', position: byHand, history } };
  assert.equal(winner(failover(dead, promoted, pledged('0/9'))), 'c');
  const isUnknown: NodeOptions = { ...preferred, postgres: { position: null, history: [] } };
  assert.equal(outcome(failover(dead, isUnknown, pledged('0/9'))).kind, 'fetch');
});

test('nobody is elected when none of the pledged may be promoted', () => {
  const barred = { entry: { candidatePriority: 0 } };
  assert.equal(outcome(failover(dead, pledged('0/9', barred), pledged('0/9', barred))).kind, 'wait');
});

test('a member that is alive and has not pledged is waited for, but not for long', () => {
  const late = failover(pledged('0/9'), pledged('0/9'), {});
  assert.equal(outcome(late.withEvidence({ intentAgeMs: 499 })).kind, 'wait');
  assert.equal(outcome(late.withEvidence({ intentAgeMs: 500 })).kind, 'elected');
});

test('the node that was asked for is waited for longer than others', () => {
  const asked = failover(pledged('0/9'), pledged('0/9'), {}, { kind: 'handover', target: 3 });
  assert.equal(outcome(asked.withEvidence({ intentAgeMs: 4_999 })).kind, 'wait');
  assert.equal(winner(asked.withEvidence({ intentAgeMs: 5_000 })), 'b');
});

test('the node that was asked for wins over priority', () => {
  const asked = failover(dead, pledged('0/9', { entry: { candidatePriority: 90 } }), pledged('0/9'), {
    target: 3,
  });
  assert.equal(winner(asked), 'c');
});

test('WAL that only the crashed primary has was never acknowledged, and it is not elected while others suffice', () => {
  assert.equal(winner(failover(pledged('0/F'), pledged('0/9'), pledged('0/9'))), 'b');
});

test('the crashed primary counts where the others do not suffice, and then its WAL does too', () => {
  const result = outcome(failover(pledged('0/F'), pledged('0/9'), dead));
  assert.ok(result.kind === 'fetch');
  assert.deepEqual([result.winner.node, result.source.node], [2, 1]);
});

test('who was to leave stays where nobody else can be elected, after a while', () => {
  const leaving: NodeOptions = { entry: { dropping: 'asked' } };
  const byHand = { timeline: 3, lsn: '0/5000000' };
  const history = [...HISTORY, { timeline: 2, end: '0/4000000' }];
  const diverged = { report: { pledge: { term: NEXT_TERM, position: byHand, history } } };
  const group = failover(pledged('0/4800000', leaving), pledged('0/4800000', leaving), diverged);
  assert.equal(outcome(group.withEvidence({ intentAgeMs: 4_999 })).kind, 'wait');
  const late = group.withEvidence({ intentAgeMs: 5_000 });
  assert.equal(winner(late), 'b');
  assert.match(outcome(late).because, /it was to leave, and nobody else can be promoted/);
});

test('with accepted loss one pledge is enough, after a while', () => {
  const forced = failover(dead, pledged('0/9'), dead, { allowDataLoss: true });
  assert.equal(outcome(forced.withEvidence({ intentAgeMs: 4_999 })).kind, 'wait');
  assert.equal(winner(forced.withEvidence({ intentAgeMs: 5_000 })), 'b');
});

test('while a rule changes, an election needs the pledges of both', () => {
  const joint = failover(dead, pledged('0/9'), pledged('0/9')).withRules(
    { cohort: [1, 2, 3], k: 1 },
    { cohort: [1], k: 0 },
  );
  assert.equal(outcome(joint.withEvidence({ intentAgeMs: 60_000 })).kind, 'wait');
});

test('what was promoted by hand is neither elected nor taken for more advanced', () => {
  const byHand: Pledge = {
    term: NEXT_TERM,
    position: { timeline: 3, lsn: '0/5000000' },
    history: [...HISTORY, { timeline: 2, end: '0/4000000' }],
  };
  const group = failover(dead, { report: { pledge: byHand } }, pledged('0/4800000'));
  assert.equal(winner(group), 'c');
});

/** Promoted by hand where the timeline of the reign ended so far. */
function promotedAt(end: string): NodeOptions {
  const history = [...HISTORY, { timeline: 2, end }];
  return { report: { pledge: { term: NEXT_TERM, position: { timeline: 3, lsn: '0/5000000' }, history } } };
}

test('what goes on by hand from the very end of the reign counts: it may be what the holder went on with', () => {
  assert.equal(winner(failover(dead, promotedAt('0/4800000'), pledged('0/4800000'))), 'b');
  assert.equal(winner(failover(dead, promotedAt('0/47FFFFF'), pledged('0/4800000'))), 'c');
});

test('the holder proves all that it has, also when somebody promoted it in its own reign', () => {
  assert.equal(winner(failover(promotedAt('0/4000000'), dead, pledged('0/4800000'))), 'a');
});

test('a node that was promoted by hand is elected where only it proves all commits', () => {
  const byHand: Pledge = {
    term: NEXT_TERM,
    position: { timeline: 3, lsn: '0/5000000' },
    history: [...HISTORY, { timeline: 2, end: '0/4900000' }],
  };
  const result = outcome(failover(dead, { report: { pledge: byHand } }, pledged('0/4800000')));
  assert.ok(result.kind === 'elected');
  assert.equal(result.winner.node, 2);
  // Its whole WAL is the basis of the reign: the others are compared with what it really has.
  assert.deepEqual(result.winner.pledge, byHand);
});

test('the old holder proves every commit by itself: nothing is acknowledged that is not durable there', () => {
  assert.equal(winner(failover(pledged('0/9'), dead, dead)), 'a');
});

test('a member that says why it must not be promoted pledges, and is not elected', () => {
  const best = pledged('0/9');
  const unfit: NodeOptions = { ...best, report: { ...best.report, unfit: 'no watchdog' } };
  const result = outcome(failover(dead, pledged('0/8'), unfit));
  assert.ok(result.kind === 'fetch');
  assert.deepEqual([result.winner.node, result.source.node], [2, 3]);
  assert.equal(outcome(failover(dead, unfit, unfit)).kind, 'wait');
});
