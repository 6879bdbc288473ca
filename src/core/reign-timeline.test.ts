import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, TERM } from '../../test/support/a-group.ts';
import { aReport } from '../../test/support/a-report.ts';
import type { Report } from './evidence.ts';
import type { GroupRecord } from './group-record.ts';
import { afterDecision, afterReport, EMPTY_TIMELINE, milestonesOf } from './reign-timeline.ts';

const trio = () => aGroup().withPrimary('a').withStandby('b').withStandby('c');
const before = trio().record();
const decided = trio()
  .withIntent({ term: TERM + 1, from: 1 })
  .withRecord({ term: TERM + 1 })
  .record();
const reign = { term: TERM + 1, holder: 2, timeline: 3, confirmed: false };
const elected = trio()
  .withReign(reign)
  .withRecord({ term: TERM + 1 })
  .record();
const confirmed = trio()
  .withReign({ ...reign, confirmed: true })
  .withRecord({ term: TERM + 1 })
  .record();

const pledge = (term: number): Partial<Report> => ({
  pledge: {
    term,
    position: { timeline: 2, lsn: '0/5000000' },
    history: [],
  },
});

/** Reports that came in for a record, and decisions that led from one record to the next, each with its time. */
type Moment =
  | { readonly at: number; readonly of: GroupRecord; readonly report: Report }
  | { readonly at: number; readonly of: GroupRecord; readonly next: GroupRecord };

const told = (moments: readonly Moment[]) =>
  moments.reduce(
    (timeline, moment) =>
      'report' in moment
        ? afterReport(timeline, moment.of, moment.report, moment.at)
        : afterDecision(timeline, moment.of, moment.next, moment.at),
    EMPTY_TIMELINE,
  );

const failover: readonly Moment[] = [
  { at: 1_000, of: before, report: aReport(1, {}, { role: 'primary' }) },
  { at: 1_400, of: before, report: aReport(1, {}, { status: 'crashed', role: null }) },
  { at: 1_450, of: before, report: aReport(1, {}, { status: 'crashed', role: null }) },
  { at: 1_500, of: before, next: decided },
  { at: 1_600, of: decided, report: aReport(2, pledge(TERM + 1)) },
  { at: 1_610, of: decided, report: aReport(3, pledge(TERM)) },
  { at: 1_620, of: decided, report: aReport(3, pledge(TERM + 1)) },
  { at: 1_630, of: decided, next: elected },
  { at: 1_700, of: elected, report: aReport(2, { promotedTerm: TERM + 1 }) },
  { at: 1_800, of: elected, report: aReport(2, { promotedTerm: TERM + 1 }, { role: 'primary' }) },
  {
    at: 1_850,
    of: elected,
    report: aReport(2, { promotedTerm: TERM + 1, servingTerm: TERM + 1 }, { role: 'primary' }),
  },
  { at: 1_860, of: elected, next: confirmed },
];

test('a failover is told from the last good word of the old primary to the confirmation', () => {
  assert.deepEqual(
    milestonesOf(told(failover), TERM + 1)?.map(({ step, node, afterMs }) => [step, node, afterMs]),
    [
      ['last_well', 1, -500],
      ['down', 1, -100],
      ['decided', 1, 0],
      ['pledged', 2, 100],
      ['pledged', 3, 120],
      ['elected', 2, 130],
      ['promoted', 2, 300],
      ['opened', 2, 350],
      ['confirmed', 2, 360],
    ],
  );
});

test('a promotion that was written down and not reached is no milestone', () => {
  const steps = told(failover.slice(0, 9)).milestones.map(({ step }) => step);
  assert.ok(!steps.includes('promoted'));
});

test('a change that is not over, and one that another decider began, have no timeline', () => {
  assert.equal(milestonesOf(told(failover.slice(0, -1)), TERM + 1), undefined);
  assert.equal(milestonesOf(told(failover.slice(-1)), TERM + 1), undefined);
});

test('what happens after the confirmation is not part of the change', () => {
  const after = afterReport(told(failover), confirmed, aReport(1, pledge(TERM + 1)), 9_000);
  assert.equal(milestonesOf(after, TERM + 1)?.length, 9);
});
