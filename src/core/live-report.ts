import { isForeign, reportOf, type Evidence, type Report } from './evidence.ts';
import type { GroupRecord, NodeId } from './group-record.ts';

/** The report of a node that was heard of within the detection time. */
export function liveReport(record: GroupRecord, evidence: Evidence, node: NodeId): Report | undefined {
  const aged = reportOf(evidence, node);
  if (aged === undefined || aged.ageMs >= record.settings.detectionMs) return undefined;
  const { report } = aged;
  return isForeign(record, report.postgres) ? withoutData(report) : report;
}

/** Whether a silent node has had no time yet to report to a decider that has just begun to listen: it may be here. */
export function isAwaited(record: GroupRecord, evidence: Evidence, node: NodeId): boolean {
  const isListening = evidence.deciderAgeMs < record.settings.detectionMs;
  return isListening && liveReport(record, evidence, node) === undefined;
}

/** I11: whoever has the data of another system has none of the group's, whatever it says of its WAL. */
function withoutData(report: Report): Report {
  const postgres = {
    ...report.postgres,
    status: 'absent',
    role: null,
    position: null,
    history: [],
    markerTerm: null,
    upstream: null,
    followers: [],
  } as const;
  return { ...report, postgres, servingTerm: null, confirmedRule: null };
}
