import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFollower, aGroup, TERM } from '../../test/support/a-group.ts';
import { aReport } from '../../test/support/a-report.ts';
import { createEvidenceBook } from './evidence-book.ts';

const GROUP = aGroup().withPrimary('a').withStandby('b').withStandby('c');
const RECORD = GROUP.record();

function open(own?: number) {
  let nowMs = 10_000;
  const book = createEvidenceBook(() => nowMs, own);
  book.follow(undefined, RECORD);
  return { book, pass: (ms: number) => (nowMs += ms), evidence: () => book.evidence(RECORD, 0) };
}

function primaryReport(sequence: number, streaming: readonly number[]) {
  const followers = streaming.map((each) => aFollower(each));
  return aReport(1, { sequence, promotedTerm: TERM, servingTerm: TERM }, { role: 'primary', followers });
}

test('a report ages from its arrival, and the newest of a node counts', () => {
  const { book, pass, evidence } = open();
  assert.ok(book.take(aReport(2, { sequence: 1 }), RECORD));
  pass(400);
  assert.equal(evidence().reports[0]?.ageMs, 400);
  assert.ok(book.take(aReport(2, { sequence: 2 }), RECORD));
  assert.equal(evidence().reports.length, 1);
  assert.equal(evidence().reports[0]?.ageMs, 0);
  assert.equal(evidence().deciderAgeMs, 400);
});

test('who was deaf begins to listen anew with the first whom it hears', () => {
  const { book, pass, evidence } = open(3);
  book.take(aReport(2, { sequence: 1 }), RECORD);
  pass(RECORD.settings.detectionMs);
  // That it hears its own node proves nothing, and whoever is silent meanwhile may be dead.
  book.take(aReport(3, { sequence: 1 }), RECORD);
  assert.equal(evidence().deciderAgeMs, RECORD.settings.detectionMs);
  book.take(aReport(2, { sequence: 2 }), RECORD);
  assert.equal(evidence().deciderAgeMs, 0);
  pass(400);
  book.take(aReport(1, { sequence: 1 }), RECORD);
  assert.equal(evidence().deciderAgeMs, 400);
});

test('a report that arrives late or twice changes nothing', () => {
  const { book } = open();
  book.take(aReport(2, { sequence: 5 }), RECORD);
  assert.equal(book.take(aReport(2, { sequence: 5 }), RECORD), false);
  assert.equal(book.take(aReport(2, { sequence: 4 }), RECORD), false);
  assert.equal(book.reportOf(2)?.sequence, 5);
});

test('a report of a keeper that was restarted replaces those of before, which do not come back', () => {
  const { book } = open();
  book.take(aReport(2, { session: 1, sequence: 50 }), RECORD);
  assert.ok(book.take(aReport(2, { session: 2, sequence: 1 }), RECORD));
  assert.equal(book.take(aReport(2, { session: 1, sequence: 51 }), RECORD), false);
  assert.equal(book.reportOf(2)?.session, 2);
});

test('the reports of a node that has left the group are forgotten', () => {
  const { book, evidence } = open();
  book.take(aReport(2), RECORD);
  book.follow(RECORD, { ...RECORD, nodes: RECORD.nodes.filter(({ id }) => id !== 2) });
  assert.deepEqual(evidence().reports, []);
});

test('an intent ages from the moment in which its stage was first seen', () => {
  const { book, pass } = open();
  const draining = aGroup().withPrimary('a').withStandby('b').withIntent({ stage: 'drain' }).record();
  const electing = aGroup().withPrimary('a').withStandby('b').withIntent({ stage: 'elect' }).record();
  book.follow(RECORD, draining);
  pass(300);
  book.follow(draining, { ...draining, nextNodeId: 9 });
  assert.equal(book.evidence(draining, 0).intentAgeMs, 300);
  book.follow(draining, electing);
  assert.equal(book.evidence(electing, 0).intentAgeMs, 0);
  assert.equal(book.evidence(RECORD, 0).intentAgeMs, 0);
});

test('a standby is away from the moment in which the primary last saw it stream', () => {
  const { book, pass, evidence } = open();
  pass(1_000);
  book.take(primaryReport(1, [2]), RECORD);
  pass(500);
  book.take(primaryReport(2, [2]), RECORD);
  pass(200);
  assert.deepEqual(evidence().notStreaming, [
    { node: 2, ageMs: 200, fellSilent: false },
    { node: 3, ageMs: 700, fellSilent: false },
  ]);
});

test('nobody is away before a primary of the present term was heard of', () => {
  const { book, pass, evidence } = open();
  book.take(primaryReport(1, [2]), RECORD);
  pass(60_000);
  assert.equal(evidence().notStreaming[1]?.ageMs, 60_000);
  assert.ok(RECORD.reign);
  const next = { ...RECORD, reign: { ...RECORD.reign, term: TERM + 1, holder: 2 } };
  book.follow(RECORD, next);
  pass(60_000);
  assert.deepEqual(
    book.evidence(next, 0).notStreaming.map(({ ageMs }) => ageMs),
    [0, 0],
  );
});

test('failovers for crashes are counted within the window only, and only those that were seen to begin', () => {
  const { book, pass } = open();
  assert.ok(RECORD.reign);
  const crashed = { ...RECORD, reign: { ...RECORD.reign, term: TERM + 1, cause: 'crash' as const } };
  book.follow(RECORD, crashed);
  book.follow(crashed, { ...crashed, nextNodeId: 9 });
  assert.equal(book.evidence(crashed, 0).recentCrashFailovers, 1);
  pass(RECORD.settings.crashWindowMs + 1);
  assert.equal(book.evidence(crashed, 0).recentCrashFailovers, 0);
});

test('a standby that answered nothing when it was last seen fell silent, until it is seen to answer', () => {
  const { book, evidence } = open();
  const report = (sequence: number, silentMs: number) =>
    aReport(
      1,
      { sequence, promotedTerm: TERM },
      { role: 'primary', followers: [aFollower(2, TERM, { silentMs })] },
    );
  const fellSilent = (): boolean | undefined =>
    evidence().notStreaming.find(({ node }) => node === 2)?.fellSilent;
  book.take(report(1, 1_500), RECORD);
  assert.equal(fellSilent(), false);
  book.take(report(2, 2_000), RECORD);
  assert.equal(fellSilent(), true);
  book.take(primaryReport(3, []), RECORD);
  assert.equal(fellSilent(), true);
  book.take(report(4, 0), RECORD);
  assert.equal(fellSilent(), false);
});

test('a node that the record does not name is not listened to: it would be missed later on', () => {
  const { book, evidence } = open();
  assert.equal(book.take(aReport(9), RECORD), false);
  assert.deepEqual(evidence().reports, []);
});

test('a new holder that was not heard before is listened to from the beginning of its reign', () => {
  const { detectionMs } = RECORD.settings;
  const listenedMs = (holder: number): number => {
    const { book, pass, evidence } = open(3);
    for (let sequence = 1; sequence <= 4; sequence++) {
      book.take(aReport(1, { sequence }), RECORD);
      pass(detectionMs / 2);
    }
    book.follow(RECORD, { ...RECORD, term: 2, reign: { ...RECORD.reign!, term: 2, holder } });
    return evidence().deciderAgeMs;
  };
  assert.equal(listenedMs(1), 2 * detectionMs);
  assert.equal(listenedMs(2), 0);

  const young = open(3);
  young.pass(detectionMs / 2);
  young.book.follow(RECORD, { ...RECORD, term: 2, reign: { ...RECORD.reign!, term: 2, holder: 2 } });
  assert.equal(young.evidence().deciderAgeMs, 0, 'a decider that has begun shortly before, too');
});
