import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aRecord, someEvidence } from '../../test/support/arbitraries.ts';
import { decide } from './decide.ts';
import type { Evidence } from './evidence.ts';
import type { GroupRecord } from './group-record.ts';

const RUNS = { numRuns: 600 };
/** Far more than any chain of decisions needs. */
const MOST_DECISIONS = 12;

function intentKey({ intent }: GroupRecord): string {
  return intent === null ? '' : `${intent.term} ${intent.stage}`;
}

/** What the same evidence looks like after a decision: a new intent has no age yet. */
function afterwards(before: GroupRecord, after: GroupRecord, evidence: Evidence): Evidence {
  return intentKey(before) === intentKey(after) ? evidence : { ...evidence, intentAgeMs: 0 };
}

test('deciding twice on the same record and evidence gives the same decision', () => {
  fc.assert(
    fc.property(aRecord, someEvidence, (record, evidence) => {
      const before = JSON.stringify([record, evidence]);
      const first = decide(record, evidence);
      assert.deepEqual(decide(record, evidence), first);
      assert.equal(JSON.stringify([record, evidence]), before, 'what was given has been changed');
    }),
    RUNS,
  );
});

test('on the same evidence decisions come to an end and never go round', () => {
  fc.assert(
    fc.property(aRecord, someEvidence, (first, evidence) => {
      let record = first;
      let seen = evidence;
      const rules: string[] = [];
      for (;;) {
        const decision = decide(record, seen);
        if (decision === undefined) return;
        rules.push(decision.rule);
        assert.ok(rules.length <= MOST_DECISIONS, `it goes round: ${rules.join(', ')}`);
        assert.notDeepEqual(decision.next, record, `${decision.rule} decides what is decided already`);
        seen = afterwards(record, decision.next, seen);
        record = decision.next;
      }
    }),
    RUNS,
  );
});

test('terms and timelines only grow, and nobody reigns in a term that was not named before', () => {
  fc.assert(
    fc.property(aRecord, someEvidence, (record, evidence) => {
      const decision = decide(record, evidence);
      if (decision === undefined) return;
      const { next } = decision;
      assert.ok(next.term >= record.term);
      assert.ok(next.nextTimeline >= record.nextTimeline);
      assert.ok((next.reign?.term ?? 0) <= next.term);
      if (next.intent !== null && next.intent.term !== record.intent?.term)
        assert.ok(next.intent.term > record.term);
      if (next.reign?.term !== record.reign?.term) assert.equal(next.reign?.term, record.intent?.term);
    }),
    RUNS,
  );
});

test('a decision has its reason in words', () => {
  fc.assert(
    fc.property(aRecord, someEvidence, (record, evidence) => {
      const decision = decide(record, evidence);
      assert.ok(decision === undefined || decision.because.length > 0);
    }),
    RUNS,
  );
});
