import type { AgedReport, Evidence } from '../core/evidence.ts';
import { nameOf, type GroupRecord, type Position } from '../core/group-record.ts';
import { formatDuration } from './format-quantity.ts';

/** A decider that was late by less than this is not worth a line, ms. */
const LATE_MS = 100;

/** The evidence of a decision for people: a line about each node, with the age of what was known of it. */
export function describeEvidence(record: GroupRecord, evidence: Evidence): readonly string[] {
  const lines = evidence.reports.map((aged) => describeReport(record, aged));
  const unheard = record.nodes
    .filter((node) => evidence.reports.every(({ report }) => report.node !== node.id))
    .map((node) => `"${node.name}": never heard of`);
  const late =
    evidence.deciderLagMs >= LATE_MS
      ? [`the monitor itself was late by ${formatDuration(evidence.deciderLagMs)}`]
      : [];
  return [...lines, ...unheard, ...late];
}

function describeReport(record: GroupRecord, { report, ageMs }: AgedReport): string {
  const { postgres, pledge, problem } = report;
  const state =
    postgres.status === 'running' ? (postgres.role ?? 'running') : `PostgreSQL ${postgres.status}`;
  const facts = [
    `heard of ${formatDuration(ageMs)} before`,
    state,
    ...(postgres.position === null ? [] : [`WAL up to ${describePosition(postgres.position)}`]),
    ...(postgres.upstream === null
      ? []
      : [
          `receives from ${postgres.upstream.host}:${postgres.upstream.port} in term ${postgres.upstream.term}`,
        ]),
    ...(pledge !== null && pledge.term >= record.term
      ? [`has pledged term ${pledge.term} at ${describePosition(pledge.position)}`]
      : []),
    ...(problem === null ? [] : [`says: ${problem}`]),
  ];
  return `${nameOf(record, report.node)}: ${facts.join('; ')}`;
}

function describePosition({ timeline, lsn }: Position): string {
  return `${timeline}: ${lsn}`;
}
