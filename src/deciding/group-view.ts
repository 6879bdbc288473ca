import type { NodeView } from '../api/schemas.ts';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord, NodeEntry } from '../core/group-record.ts';
import { lagBytes } from '../core/lsn.ts';
import { assignedState, reportedState } from '../core/state-names.ts';
import type { EvidenceBook } from './evidence-book.ts';

type Reports = Pick<EvidenceBook, 'reportOf' | 'reportAgeMs'>;

/** The rows of `show state`, in the order of the record. */
export function viewNodes(record: GroupRecord, reports: Reports): readonly NodeView[] {
  return record.nodes.map((node) => viewNode(record, node, reports));
}

export function viewNode(record: GroupRecord, node: NodeEntry, reports: Reports): NodeView {
  const report = reports.reportOf(node.id);
  const reportAgeMs = reports.reportAgeMs(node.id);
  const isSilent = reportAgeMs === undefined || reportAgeMs >= record.settings.detectionMs;
  return {
    node_id: node.id,
    name: node.name,
    host: node.host,
    port: node.port,
    group_id: record.group,
    reported_state: reportedState(record, report),
    assigned_state: assignedState(record, node.id),
    timeline: report?.postgres.position?.timeline ?? null,
    lsn: report?.postgres.position?.lsn ?? null,
    connection: `${connectionOf(record, report)}${isSilent ? '!' : ''}`,
    health:
      report === undefined ? 'unknown' : !isSilent && report.postgres.status === 'running' ? 'good' : 'bad',
    report_age_ms: reportAgeMs === undefined ? null : Math.round(reportAgeMs),
    candidate_priority: node.candidatePriority,
    replication_quorum: node.replicationQuorum,
    activity: report?.activity ?? null,
    problem: report?.problem ?? null,
    lag_bytes: lagOf(record, report, reports),
  };
}

/** What a client would get, by the last report: a primary is locked until its marker is acknowledged. */
function connectionOf(record: GroupRecord, report: Report | undefined): string {
  if (report?.postgres.status !== 'running') return 'none';
  if (report.postgres.role === 'standby') return 'read-only';
  return report.servingTerm !== null && report.servingTerm === record.reign?.term ? 'read-write' : 'none';
}

function lagOf(record: GroupRecord, report: Report | undefined, reports: Reports): number | null {
  const ahead = record.reign === null ? undefined : reports.reportOf(record.reign.holder)?.postgres.position;
  const own = report?.postgres.position;
  return ahead == null || own == null ? null : lagBytes(ahead.lsn, own.lsn);
}
