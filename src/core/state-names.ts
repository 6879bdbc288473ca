import type { Report } from './evidence.ts';
import {
  cohortMembers,
  currentRule,
  findNode,
  type GroupRecord,
  type NodeId,
  type Rule,
} from './group-record.ts';
import { isAsyncRule } from './lease.ts';

/**
 * The names that operators know from pg_auto_failover. They are a view:
 * computed from the record and the reports, and never read by a decision.
 */
export const STATE_NAMES = [
  'unknown',
  'init',
  'single',
  'wait_primary',
  'primary',
  'apply_settings',
  'draining',
  'demote_timeout',
  'demoted',
  'wait_standby',
  'catchingup',
  'secondary',
  'report_lsn',
  'fast_forward',
  'prepare_promotion',
  'stop_replication',
  'join_secondary',
  'prepare_maintenance',
  'wait_maintenance',
  'maintenance',
  'dropped',
] as const;

export type StateName = (typeof STATE_NAMES)[number];

/** What the record wants of a node. */
export function assignedState(record: GroupRecord, node: NodeId): StateName {
  const entry = findNode(record, node);
  if (entry === undefined || entry.dropping !== 'no') return 'dropped';
  const duringChange = assignedDuringChange(record, node);
  if (duringChange !== undefined) return duringChange;
  if (record.reign?.holder === node) return assignedToHolder(record, node);

  const isMember = cohortMembers(record).includes(node);
  if (entry.maintenance) return isMember ? 'wait_maintenance' : 'maintenance';
  if (record.reign === null) return 'init';
  if (!record.reign.confirmed) return isMember ? 'join_secondary' : 'wait_standby';
  const isVoter = currentRule(record)?.cohort.includes(node) ?? false;
  // A node outside of the quorum is as good a standby as it will get.
  return isVoter || !entry.replicationQuorum ? 'secondary' : 'catchingup';
}

function assignedDuringChange(record: GroupRecord, node: NodeId): StateName | undefined {
  const { intent } = record;
  if (intent === null) return undefined;
  const entry = findNode(record, node);
  if (node === intent.from) {
    if (entry?.maintenance) return 'prepare_maintenance';
    return intent.stage === 'drain' ? 'draining' : 'demote_timeout';
  }
  if (intent.stage === 'drain') return node === intent.target ? 'prepare_promotion' : undefined;
  if (intent.stage === 'fetch' && node === intent.fetch?.candidate) return 'fast_forward';
  return cohortMembers(record).includes(node) ? 'report_lsn' : undefined;
}

function assignedToHolder(record: GroupRecord, node: NodeId): StateName {
  const { reign } = record;
  if (record.nodes.length === 1) return 'single';
  if (reign !== null && reign.history === null && reign.basis !== null) return 'stop_replication';
  const rule = currentRule(record);
  if (rule === undefined || isAlone(rule)) return 'wait_primary';
  if (!reign?.confirmed) return 'wait_primary';
  return record.rules.length > 1 && rule.cohort.includes(node) ? 'apply_settings' : 'primary';
}

/** What a node has reached, by its own report; `unknown` before it has reported. */
export function reportedState(record: GroupRecord, report: Report | undefined): StateName {
  if (report === undefined) return 'unknown';
  const entry = findNode(record, report.node);
  const { status, role } = report.postgres;
  if (entry === undefined || entry.dropping !== 'no') return role === null ? 'dropped' : 'demoted';
  switch (status) {
    case 'absent':
    case 'incomplete':
      return record.reign?.holder === report.node ? 'init' : 'wait_standby';
    case 'stopped':
    case 'crashed':
      return isOut(record, report.node) ? 'maintenance' : 'demoted';
    case 'starting':
    case 'unresponsive':
      return 'demoted';
    case 'running':
      return role === 'primary' ? reportedByPrimary(record, report) : reportedByStandby(record, report);
  }
}

function reportedByPrimary(record: GroupRecord, report: Report): StateName {
  const { reign } = record;
  if (reign?.holder !== report.node || record.intent?.from === report.node) return 'draining';
  if (record.nodes.length === 1) return 'single';
  if (report.servingTerm !== reign.term) return 'stop_replication';
  const rule = currentRule(record);
  return rule === undefined || isAlone(rule) ? 'wait_primary' : 'primary';
}

function isAlone(rule: Rule): boolean {
  return rule.k === 0 && !isAsyncRule(rule);
}

function reportedByStandby(record: GroupRecord, report: Report): StateName {
  const { reign, intent } = record;
  const { node, pledge, postgres } = report;
  if (isOut(record, node)) return 'maintenance';
  if (intent !== null && pledge?.term === intent.term)
    return intent.stage === 'fetch' && intent.fetch?.candidate === node ? 'fast_forward' : 'report_lsn';
  if (reign?.holder === node) return 'prepare_promotion';
  // What it receives for an earlier term is not the present primary's.
  if (postgres.upstream?.term !== reign?.term)
    return pledge !== null && pledge.term === reign?.term ? 'join_secondary' : 'catchingup';
  const isVoter = currentRule(record)?.cohort.includes(node) ?? false;
  return isVoter || !(findNode(record, node)?.replicationQuorum ?? true) ? 'secondary' : 'catchingup';
}

function isOut(record: GroupRecord, node: NodeId): boolean {
  return (findNode(record, node)?.maintenance ?? false) && !cohortMembers(record).includes(node);
}

/** Whether every node has reached what the record wants of it. */
export function isSettled(record: GroupRecord, reports: readonly Report[]): boolean {
  return record.nodes.every((entry) => {
    const report = reports.find((each) => each.node === entry.id);
    return reportedState(record, report) === assignedState(record, entry.id);
  });
}
