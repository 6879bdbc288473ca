import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, END_OF_WAL, TERM } from '../../test/support/a-group.ts';
import { decide } from './decide.ts';
import type { Report } from './evidence.ts';
import { DEFAULT_SETTINGS, emptyRecord, type GroupRecord, type NodeEntry } from './group-record.ts';
import { originOf, standingOf, stampOf, writtenBy } from './record-home.ts';
import { recoverGroup, type Caller, type RecoveryRequest } from './recover-group.ts';

const GROUP = aGroup().withPrimary('a').withStandby('b').withStandby('c');
const RECORD = GROUP.record();
/** What a monitor that was made anew has of a group. */
const NOTHING = { record: emptyRecord('default', 0, DEFAULT_SETTINGS, 'made anew'), version: 1 };

function request(changes: Partial<RecoveryRequest> = {}): RecoveryRequest {
  return {
    nodes: 3,
    missing: [],
    from: null,
    allowDataLoss: false,
    requestedBy: 'op@host',
    incarnation: 'new home',
    ...changes,
  };
}

/** A node with a record in its journal. */
function caller(name: string, record = RECORD, recordVersion = 10, changes: Partial<Report> = {}): Caller {
  const report = GROUP.evidence().reports.find((each) => each.report.node === GROUP.idOf(name))?.report;
  assert(report !== undefined);
  return { report: { ...report, recordVersion, recordOrigin: originOf(record), ...changes }, record };
}

function recovered(callers: readonly Caller[], changes: Partial<RecoveryRequest> = {}): GroupRecord {
  const answer = recoverGroup(NOTHING, callers, request(changes));
  assert(answer.kind === 'accepted', answer.kind === 'refused' ? answer.message : '');
  return answer.next;
}

function refusal(callers: readonly Caller[], changes: Partial<RecoveryRequest> = {}, own = NOTHING): string {
  const answer = recoverGroup(own, callers, request(changes));
  assert(answer.kind === 'refused', 'it was accepted');
  return answer.message;
}

test('the newest record of the nodes is taken, the primary goes on in its term, and the next term is new', () => {
  const old = { ...RECORD, settings: { ...RECORD.settings, dbname: 'before' } };
  const newer = { ...RECORD, settings: { ...RECORD.settings, dbname: 'after' } };
  const next = recovered([caller('a', old, 8), caller('b', newer, 10), caller('c', old, 9)]);
  assert.equal(next.settings.dbname, 'after');
  assert.deepEqual(next.reign, RECORD.reign);
  assert.deepEqual(next.rules, RECORD.rules);
  assert.deepEqual(next.nodes, RECORD.nodes);
  assert(next.term > TERM + 500);
  assert.equal(decide(next, GROUP.evidence()), undefined, 'nothing changes for servers and clients');
});

test('every node takes the recovered record, and refuses the store before from then on', () => {
  const next = recovered([caller('a'), caller('b'), caller('c')]);
  assert.equal(standingOf(stampOf(RECORD, 10), next, 2), 'known');
  assert.equal(
    standingOf(stampOf(RECORD, 25), next, 2),
    'known',
    'also with a decision that nobody here had',
  );
  assert.equal(standingOf(stampOf(next, 2), RECORD, 10_000), 'ahead');
});

test('terms, changes of the rule, timelines and node ids go past all that anybody has seen', () => {
  const position = { timeline: 40, lsn: END_OF_WAL };
  const pledge = { term: 70, position, history: [], provenTerm: 3, markerTerm: null };
  const next = recovered([
    caller('a', { ...RECORD, term: 80, ruleChanges: 7, nextNodeId: 12 }, 11),
    caller('b', RECORD, 10, { pledge }),
    caller('c', RECORD, 10, { promotedTerm: 90 }),
  ]);
  assert(next.term > 90);
  assert(next.ruleChanges > 7);
  assert(next.nextTimeline > 40);
  assert(next.nextNodeId > 12);
});

test('a pledge for a term that the record does not know leads to a term beyond it', () => {
  const { position } = GROUP.evidence().reports[1]!.report.postgres;
  assert(position !== null);
  const pledge = { term: TERM + 5, position, history: [], provenTerm: TERM, markerTerm: TERM };
  const next = recovered([caller('a'), caller('b', RECORD, 10, { pledge }), caller('c')]);
  const evidence = GROUP.evidence();
  const reports = evidence.reports.map((aged) =>
    aged.report.node === GROUP.idOf('b') ? { ...aged, report: { ...aged.report, pledge } } : aged,
  );
  const decision = decide(next, { ...evidence, reports });
  assert.equal(decision?.rule, 'renew_term');
  assert((decision.next.intent?.term ?? 0) > next.term);
});

test('a node that was missing and comes back with such a pledge is waited for by nobody, and gets a term as well', () => {
  const next = recovered([caller('a'), caller('b')], { missing: ['c'] });
  // It was away for so long that the others have gone on without it.
  const record = { ...next, rules: [{ cohort: [GROUP.idOf('a'), GROUP.idOf('b')], k: 1 }] };
  const evidence = GROUP.evidence();
  const position = { timeline: 2, lsn: END_OF_WAL };
  const pledge = { term: TERM + 1, position, history: [], provenTerm: TERM, markerTerm: TERM };
  const reports = evidence.reports.map((aged) =>
    aged.report.node === GROUP.idOf('c') ? { ...aged, report: { ...aged.report, pledge } } : aged,
  );
  assert.equal(decide(record, { ...evidence, reports })?.rule, 'renew_term');
});

test('a change of the rule that was under way stays under way, and must be confirmed anew', () => {
  const both = [
    { cohort: [1, 2, 3], k: 1 },
    { cohort: [1, 2], k: 1 },
  ];
  const record = GROUP.withRules(...both).record();
  const next = recovered([caller('a', record), caller('b', record), caller('c', record)]);
  assert.deepEqual(next.rules, both);
  assert(next.ruleChanges > record.ruleChanges);
});

test('a change of reign that was under way is left to the rules that decide', () => {
  const record = GROUP.withIntent({ term: TERM + 1, kind: 'failover', stage: 'elect' }).record();
  const next = recovered([caller('a', record), caller('b', record), caller('c', record)]);
  assert.equal(next.intent, null);
  assert.equal(next.reign?.term, TERM);
});

test('a handover that was under way is taken back with the maintenance that it was for', () => {
  const nodes = RECORD.nodes.map((node) => ({ ...node, maintenance: node.name === 'a' }));
  // The old primary was lost on the way, and it was gone on with as a failover.
  const stages = [
    { kind: 'handover', stage: 'drain' },
    { kind: 'failover', stage: 'elect' },
  ] as const;
  for (const stage of stages) {
    const handing = GROUP.withIntent({ term: TERM + 1, ...stage });
    const record = handing.withRecord({ nodes }).record();
    const next = recovered([caller('a', record), caller('b', record), caller('c', record)]);
    assert.deepEqual(
      next.nodes.map(({ maintenance }) => maintenance),
      [false, false, false],
      stage.kind,
    );
  }
});

test('the plan names the maintenance or the removal that has to be asked for again', () => {
  const handing = GROUP.withIntent({ term: TERM + 1, kind: 'handover', stage: 'drain' });
  const planWith = (change: Partial<NodeEntry>): string => {
    const nodes = RECORD.nodes.map((node) => (node.name === 'a' ? { ...node, ...change } : node));
    const record = handing.withRecord({ nodes }).record();
    const answer = recoverGroup(
      NOTHING,
      [caller('a', record), caller('b', record), caller('c', record)],
      request(),
    );
    assert(answer.kind === 'accepted');
    return answer.plan?.join('\n') ?? '';
  };
  assert.match(planWith({ maintenance: true }), /the maintenance of "a" is taken back/);
  assert.match(planWith({ dropping: 'asked' }), /the removal of "a" is taken back/);
  assert.doesNotMatch(planWith({}), /taken back/);
});

test('every node must have reported, or be named as missing', () => {
  const here = [caller('a'), caller('b')];
  assert.match(refusal(here), /"c" has not reported, and may have a newer record/);
  assert.equal(recovered(here, { missing: ['c'] }).reign?.holder, 1);
  assert.match(refusal([caller('a'), caller('b'), caller('c')], { missing: ['c'] }), /reports here/);
  assert.match(refusal(here, { missing: ['c', 'd'] }), /"d" .* is no node of the group/);
});

test('a node whose record has not come in yet has not reported, unless the newest is a later version of its own', () => {
  const unsent = { ...caller('c', RECORD, 12), record: null };
  assert.match(refusal([caller('a'), caller('b'), unsent]), /"c" has not reported/);
  const older = { ...caller('c', RECORD, 4), record: null };
  assert.equal(recovered([caller('a'), caller('b'), older]).reign?.holder, 1);
});

test('who knows of more nodes than the newest record is believed', () => {
  assert.match(refusal([caller('a'), caller('b'), caller('c')], { nodes: 4 }), /has 3 nodes .* you say 4/);
});

test('a missing primary that may have gone on alone is given up only with data loss allowed', () => {
  const pair = aGroup().withPrimary('a').withStandby('b').withSettings({ numberSyncStandbys: 0 }).record();
  const missing = { nodes: 2, missing: ['a'] };
  assert.match(refusal([caller('b', pair)], missing), /may have gone on without its standbys/);
  assert.equal(recovered([caller('b', pair)], { ...missing, allowDataLoss: true }).reign?.holder, 1);
});

test('a missing primary whose commits stand on a node that is here is no loss', () => {
  assert.equal(recovered([caller('b'), caller('c')], { missing: ['a'] }).reign?.holder, 1);
});

test('records of different lines are not weighed against each other: a person names the right one', () => {
  const forked = writtenBy(RECORD, 'a restored store', 5);
  const callers = [caller('a', RECORD, 10), caller('b', forked, 20), caller('c', RECORD, 10)];
  assert.match(refusal(callers), /different lines/);
  const next = recovered(callers, { from: 'a' });
  assert.equal(standingOf(stampOf(forked, 20), next, 2), 'known', 'the others follow');
  assert.match(refusal(callers, { from: 'x' }), /no node "x"/);
});

test('an earlier version of the newest record is not taken, even where a person names its node', () => {
  const again = recovered([caller('a'), caller('b'), caller('c')]);
  const callers = [caller('a'), caller('b', again, 3), caller('c', again, 3)];
  assert.match(refusal(callers, { from: 'a' }), /"a" .* is an earlier version of that of "b"/);
  assert.equal(recovered(callers, { from: 'c' }).term > again.term, true);
});

test('a restored store is recovered from nodes that are ahead of it, and one that is not behind is left alone', () => {
  const restored = { record: RECORD, version: 6 };
  const answer = recoverGroup(restored, [caller('a'), caller('b'), caller('c')], request());
  assert.equal(answer.kind, 'accepted');
  const present = { record: RECORD, version: 10 };
  assert.match(refusal([caller('a'), caller('b'), caller('c')], {}, present), /nothing to recover/);
  assert.match(refusal([], {}, NOTHING), /no node of the group has reported/);
});
