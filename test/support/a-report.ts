import type { PostgresReport, Report } from '../../src/core/evidence.ts';

/** What a keeper says of a running standby; healthy but for what a test says. */
export function aReport(
  node: number,
  changes: Partial<Report> = {},
  postgres: Partial<PostgresReport> = {},
): Report {
  return {
    node,
    session: 1,
    sequence: 1,
    recordVersion: 0,
    postgres: {
      status: 'running',
      systemIdentifier: '7300000000000000001',
      serverVersion: 150018,
      role: 'standby',
      position: { timeline: 1, lsn: '0/5000000' },
      history: [],
      markerTerm: 1,
      upstream: null,
      followers: [],
      ...postgres,
    },
    unansweredMs: 0,
    pledge: null,
    promotedTerm: null,
    restartsUsed: 0,
    servingTerm: null,
    confirmedRule: null,
    unfit: null,
    activity: null,
    problem: null,
    ...changes,
  };
}
