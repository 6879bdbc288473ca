import * as z from 'zod/mini';
import { RecordDocument, ReportDocument } from '../../api/report-schema.ts';
import { EventKind } from '../../api/schemas.ts';
import type { Evidence } from '../../core/evidence.ts';
import type { GroupRecord } from '../../core/group-record.ts';
import { BatonError } from '../../lib/baton-error.ts';
import { describeIssue, formatPath } from '../../lib/describe-issue.ts';

/** What `show events --export` writes and `replay` reads: see docs/reference/incident-file.md. */
export interface Incident {
  readonly header: IncidentHeader;
  /** Oldest first. */
  readonly entries: readonly IncidentEntry[];
}

const FORMAT = 'pgbaton-incident';

/** Grows when an older `replay` would misunderstand the file; new keys alone do not count. */
export const INCIDENT_VERSION = 1;

const Header = z.object({
  format: z.literal(FORMAT),
  version: z.literal(INCIDENT_VERSION),
  /** The version of pgbaton that exported it. */
  pgbaton: z.string(),
  exported_at: z.string(),
  formation: z.string(),
  group: z.number(),
});
export type IncidentHeader = z.infer<typeof Header>;

/** As far as `decide` relies on it: a damaged record must be told as such, and not make it throw. */
const RecordShape = z.looseObject({
  term: z.number(),
  reign: z.nullable(z.looseObject({ term: z.number(), holder: z.number() })),
  pastReigns: z.array(z.looseObject({ term: z.number() })),
  rules: z.array(z.object({ cohort: z.array(z.number()), k: z.number() })),
  intent: z.nullable(z.looseObject({ term: z.number(), stage: z.string() })),
  nodes: z.array(z.looseObject({ id: z.number(), name: z.string() })),
  settings: z.looseObject({ detectionMs: z.number() }),
});

const RecordField = RecordDocument.check(
  z.refine<GroupRecord>((record) => RecordShape.safeParse(record).success, {
    error: 'must be a whole group record',
  }),
);

const EvidenceShape = z.looseObject({
  reports: z.array(z.looseObject({ report: ReportDocument, ageMs: z.number() })),
  deciderLagMs: z.number(),
  intentAgeMs: z.number(),
  deciderAgeMs: z.number(),
  recentCrashFailovers: z.number(),
  notStreaming: z.array(z.looseObject({ node: z.number(), ageMs: z.number() })),
});

/** Kept as it was written: what this version does not know is neither dropped nor changed. */
const EvidenceField = z.custom<Evidence>((value) => EvidenceShape.safeParse(value).success, {
  error: 'must be the evidence of a decision',
});

const Entry = z.object({
  /** The id of the event. */
  id: z.int(),
  at: z.string(),
  kind: EventKind,
  node: z.optional(z.string()),
  rule: z.optional(z.string()),
  because: z.string(),
  term: z.number(),
  /** The version of the record that was read. */
  record_version: z.number(),
  inputs: z.optional(EvidenceField),
  /** The record that was read: the one that the change before it in this file made, or this one, or unknown: a gap. */
  read: z.optional(z.union([z.literal('previous'), z.literal('unknown'), RecordField])),
  /** The record that resulted. */
  record: z.optional(RecordField),
});
export type IncidentEntry = z.infer<typeof Entry>;

/** The last line: a file without it was cut off. */
const End = z.object({ end: z.number() });

/** The text of a file: a line of JSON for the header, for each entry, and for the end. */
export function formatIncident({ header, entries }: Incident): string {
  const lines = [header, ...entries, { end: entries.length }];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** A header for what is exported now. */
export function incidentHeader(about: Omit<IncidentHeader, 'format' | 'version'>): IncidentHeader {
  return { format: FORMAT, version: INCIDENT_VERSION, ...about };
}

/** Undoes {@link formatIncident}. Throws BATON_INCIDENT_FILE, naming the line. */
export function parseIncident(text: string, file: string): Incident {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [first, ...others] = lines;
  if (first === undefined) throw incidentError(`the incident file "${file}" is empty`);
  const header = parseHeader(first, file);
  const last = others.at(-1);
  const end = last === undefined ? undefined : End.safeParse(parseJson(last)).data;
  if (end === undefined) {
    throw incidentError(
      `the incident file "${file}" is cut off`,
      'Its last line, which counts the entries, is missing.',
    );
  }
  const entries = others.slice(0, -1).map((line, index) => parseLine(Entry, line, index + 2, file));
  if (end.end !== entries.length) {
    throw incidentError(
      `the incident file "${file}" is damaged`,
      `It has ${entries.length} entries, and its last line says ${end.end}.`,
    );
  }
  const unordered = entries.findIndex(({ id }, index) => id <= (entries[index - 1]?.id ?? -1));
  if (unordered >= 0) throw damagedLine(unordered + 2, file, 'its id is not greater than the one before');
  return { header, entries };
}

function parseHeader(line: string, file: string): IncidentHeader {
  const header = parseJson(line);
  const known = z.object({ format: z.literal(FORMAT), version: z.unknown() }).safeParse(header);
  if (!known.success) {
    throw incidentError(
      `"${file}" is not an incident file`,
      undefined,
      'Make one with "pgbaton show events --export FILE".',
    );
  }
  if (known.data.version !== INCIDENT_VERSION) {
    throw incidentError(
      `the incident file "${file}" has format ${JSON.stringify(known.data.version)}, this version knows ${INCIDENT_VERSION}`,
      undefined,
      'Replay it with the version of pgbaton that wrote it.',
    );
  }
  return parseLine(Header, line, 1, file);
}

function parseLine<Schema extends z.ZodMiniType>(
  schema: Schema,
  line: string,
  number: number,
  file: string,
): z.output<Schema> {
  const value = parseJson(line);
  if (value === undefined) throw damagedLine(number, file, 'it is not JSON');
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const fault = issue === undefined ? 'it is not valid' : `${formatPath(issue.path)} ${describeIssue(issue)}`;
  throw damagedLine(number, file, fault);
}

/** undefined: it is no JSON, which never means undefined. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function damagedLine(number: number, file: string, fault: string): BatonError {
  return incidentError(`line ${number} of the incident file "${file}" is damaged: ${fault}`);
}

/** Every fault of a file has the same code. */
export function incidentError(message: string, detail?: string, hint?: string): BatonError {
  return new BatonError('BATON_INCIDENT_FILE', message, {
    detail,
    hint: hint ?? 'Export it again with "pgbaton show events --export FILE".',
  });
}
