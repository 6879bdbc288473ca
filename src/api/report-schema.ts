import * as z from 'zod/mini';
import type { GroupRecord } from '../core/group-record.ts';
import type { Report } from '../core/evidence.ts';
import { Counter, LsnText, Sentence, SystemIdentifier } from './fields.ts';

const PositionDocument = z.object({ timeline: Counter, lsn: LsnText });

const HistoryDocument = z.array(z.object({ timeline: Counter, end: LsnText })).check(z.maxLength(10_000));

const FollowerDocument = z.object({
  node: Counter,
  term: Counter,
  state: z.enum(['startup', 'catchup', 'streaming', 'backup', 'stopping']),
  flushLsn: z.nullable(LsnText),
  replayLsn: z.nullable(LsnText),
  syncPriority: Counter,
  // Keepers of version 0.1 do not tell.
  silentMs: z._default(z.number().check(z.minimum(0)), 0),
});

const PostgresDocument = z.object({
  status: z.enum(['absent', 'incomplete', 'stopped', 'crashed', 'starting', 'running', 'unresponsive']),
  systemIdentifier: z.nullable(SystemIdentifier),
  serverVersion: z.nullable(Counter),
  role: z.nullable(z.enum(['primary', 'standby'])),
  position: z.nullable(PositionDocument),
  history: HistoryDocument,
  markerTerm: z.nullable(Counter),
  upstream: z.nullable(
    z.object({ term: Counter, host: z.string(), port: Counter, silentMs: z.number().check(z.minimum(0)) }),
  ),
  followers: z.array(FollowerDocument).check(z.maxLength(1_000)),
});

/**
 * What a keeper tells, checked before it may be evidence: a malformed report
 * must not be able to make `decide` throw. Unknown keys are dropped, so that a
 * newer keeper can talk to an older monitor.
 */
export const ReportDocument = z.object({
  node: Counter,
  session: Counter,
  sequence: Counter,
  recordVersion: Counter,
  recordOrigin: z.optional(
    z.object({
      incarnations: z.array(z.string().check(z.maxLength(100))).check(z.maxLength(1_000)),
      writer: z.nullable(z.string().check(z.maxLength(100))),
    }),
  ),
  postgres: PostgresDocument,
  // Keepers of version 0.1 do not tell.
  unansweredMs: z._default(z.number().check(z.minimum(0)), 0),
  pledge: z.nullable(z.object({ term: Counter, position: PositionDocument, history: HistoryDocument })),
  servingTerm: z.nullable(Counter),
  promotedTerm: z.nullable(Counter),
  restartsUsed: Counter,
  confirmedRule: z.nullable(
    z.object({ term: Counter, change: Counter, cohort: z.array(Counter), k: Counter }),
  ),
  leaseFor: z.optional(Counter),
  unfit: z._default(z.nullable(Sentence), null),
  readiness: z.optional(
    z.object({
      incarnation: z.string().check(z.maxLength(100)),
      keeperPort: z.nullable(Counter),
      problem: z.nullable(Sentence),
    }),
  ),
  activity: z.nullable(Sentence),
  problem: z.nullable(Sentence),
});

/** Fails to compile when the core's type and the schema differ. */
export function toReport(document: z.output<typeof ReportDocument>): Report {
  return document;
}

/**
 * A group record as its writer made it. Only its identity is checked: the
 * monitor alone writes records, and a reader must not drop what a newer one added.
 */
export const RecordDocument = z.custom<GroupRecord>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    (value as Partial<GroupRecord>).schemaVersion === 1 &&
    Array.isArray((value as Partial<GroupRecord>).nodes),
  { error: 'must be a group record of schema version 1' },
);
