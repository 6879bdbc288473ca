import type { AgedReport, Evidence } from '../../core/evidence.ts';
import type { GroupRecord, Position } from '../../core/group-record.ts';
import { VERSION } from '../../lib/version.ts';
import { formatClock, formatDuration, formatTimestamp } from '../format-quantity.ts';
import { renderTable, type Column } from '../render-table.ts';
import { describeRecordChanges } from './describe-changes.ts';
import type { Incident } from './incident-file.ts';
import { countOutcomes, type ReplayedStep } from './replay-incident.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Event' },
  { title: 'Time', minWidth: 12 },
  { title: 'Term' },
  { title: 'Replay', align: 'left' },
  { title: 'Rule', minWidth: 12, align: 'left' },
  { title: 'Because', minWidth: 20, align: 'left' },
];

const WORD_OF = {
  none: '',
  request: 'request',
  gap: 'GAP',
  same: 'same',
  different: 'DIFFERENT',
} as const;

/** The whole incident as a table, then every difference and gap, then the verdict. */
export function renderReplay(incident: Incident, steps: readonly ReplayedStep[], file: string): string {
  const { formation, group, pgbaton } = incident.header;
  const first = steps[0]?.entry.at;
  const title = `Group ${group} of formation "${formation}", ${first === undefined ? '' : formatTimestamp(new Date(first))}, exported by pgbaton ${pgbaton}\n\n`;
  const rows = steps.map(({ entry, outcome }) => [
    String(entry.id),
    formatClock(new Date(entry.at)),
    String(entry.term),
    WORD_OF[outcome.kind],
    entry.rule ?? entry.kind,
    entry.because,
  ]);
  const gaps = steps.flatMap(({ entry, outcome }) =>
    outcome.kind === 'gap' ? [`Event ${entry.id} can't be replayed: ${outcome.because}.\n`] : [],
  );
  const differences = steps
    .filter(({ outcome }) => outcome.kind === 'different')
    .map((step) => `\n${renderDifference(step)}`);
  return [
    title,
    renderTable(COLUMNS, rows),
    '\n',
    ...gaps,
    ...differences,
    differences.length === 0 ? '' : '\n',
    verdict(incident, steps, file),
  ].join('');
}

function verdict(incident: Incident, steps: readonly ReplayedStep[], file: string): string {
  const { same, different, gap, request } = countOutcomes(steps);
  const { pgbaton } = incident.header;
  const counts = `${same + different} decisions replayed, ${different} different; ${request} requests, ${gap} gaps.\n`;
  const firstDifferent = steps.find(({ outcome }) => outcome.kind === 'different');
  if (firstDifferent === undefined) return counts;
  const about =
    pgbaton === VERSION
      ? 'The file was changed, or this pgbaton decides otherwise than the one that decided then.'
      : `The file is of pgbaton ${pgbaton}, this is ${VERSION}: its policy may have changed.`;
  return `${counts}${about}\n"pgbaton replay ${file} --at ${firstDifferent.entry.id}" shows the first in full.\n`;
}

/** What was recorded and what was replayed, side by side. */
function renderDifference({ entry, outcome }: ReplayedStep): string {
  if (outcome.kind !== 'different') return '';
  const { replayed } = outcome;
  const lines = [
    `Event ${entry.id} is different: ${outcome.because}`,
    `  recorded: ${entry.rule ?? 'no rule'}: ${entry.because}`,
    replayed === undefined ? '  replayed: no decision' : `  replayed: ${replayed.rule}: ${replayed.because}`,
  ];
  const changes =
    replayed === undefined || entry.record === undefined
      ? []
      : describeRecordChanges(entry.record, replayed.next);
  if (changes.length > 0)
    lines.push('  the records, recorded → replayed:', ...changes.map((line) => `    ${line}`));
  return lines.map((line) => `${line}\n`).join('');
}

/** One step in full: the evidence, what it led to, and how the record changed. */
export function renderStep(step: ReplayedStep): string {
  const { entry, read, outcome } = step;
  const at = new Date(entry.at);
  const parts = [
    `Event ${entry.id}, ${formatTimestamp(at).slice(0, 10)} ${formatClock(at)}, term ${entry.term}, on version ${entry.record_version} of the record\n`,
    `${entry.rule ?? entry.kind}: ${entry.because}\n`,
  ];
  const record = read ?? entry.record;
  if (entry.inputs !== undefined && record !== undefined)
    parts.push('\nThe evidence:\n', renderEvidence(record, entry.inputs));
  if (read !== undefined && entry.record !== undefined) {
    const changes = describeRecordChanges(read, entry.record);
    parts.push('\nThe record changed:\n', ...changes.map((line) => `  ${line}\n`));
  }
  if (outcome.kind === 'same') parts.push('\nThe replay decides the same.\n');
  if (outcome.kind === 'gap') parts.push(`\nIt can't be replayed: ${outcome.because}.\n`);
  if (outcome.kind === 'different') parts.push('\n', renderDifference(step));
  return parts.join('');
}

const EVIDENCE_COLUMNS: readonly Column[] = [
  { title: 'Node', align: 'left' },
  { title: 'Heard of' },
  { title: 'Status', align: 'left' },
  { title: 'Role', align: 'left' },
  { title: 'Position' },
  { title: 'Pledge', align: 'left' },
  { title: 'Streamed' },
  { title: 'Says', align: 'left' },
];

function renderEvidence(record: GroupRecord, evidence: Evidence): string {
  const rows = record.nodes.map((node) => {
    const aged = evidence.reports.find(({ report }) => report.node === node.id);
    const away = evidence.notStreaming.find((each) => each.node === node.id);
    const name = record.reign?.holder === node.id ? `${node.name} (holder)` : node.name;
    const streamed = away === undefined ? '' : `${formatDuration(away.ageMs)} ago`;
    return aged === undefined
      ? [name, 'never', '', '', '', '', streamed, '']
      : [name, ...reportCells(aged, streamed)];
  });
  const { deciderAgeMs, deciderLagMs, intentAgeMs, recentCrashFailovers } = evidence;
  const decider = [
    `it had listened for ${formatDuration(deciderAgeMs)}`,
    `was late by ${formatDuration(deciderLagMs)}`,
    ...(record.intent === null
      ? []
      : [`saw the stage "${record.intent.stage}" for ${formatDuration(intentAgeMs)}`]),
    `had seen ${recentCrashFailovers} failovers for crashes of late`,
  ];
  return `${renderTable(EVIDENCE_COLUMNS, rows)}The decider: ${decider.join(', ')}.\n`;
}

function reportCells({ report, ageMs }: AgedReport, streamed: string): readonly string[] {
  const { postgres, pledge } = report;
  return [
    `${formatDuration(ageMs)} ago`,
    postgres.status,
    postgres.role ?? '',
    postgres.position === null ? '' : formatPosition(postgres.position),
    pledge === null ? '' : `term ${pledge.term} at ${formatPosition(pledge.position)}`,
    streamed,
    report.problem ?? report.activity ?? '',
  ];
}

function formatPosition({ timeline, lsn }: Position): string {
  return `${timeline}: ${lsn}`;
}
