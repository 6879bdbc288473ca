/**
 * The public HTTP contract: every body that goes over the wire, in snake_case.
 * Group records and reports are the core's own documents and keep its names.
 * Answers may gain keys in a later version; requests with unknown keys are refused.
 */
import * as z from 'zod/mini';
import type { Evidence } from '../core/evidence.ts';
import { MILESTONE_STEPS } from '../core/reign-timeline.ts';
import { RecordDocument, ReportDocument } from './report-schema.ts';
import {
  CandidatePriority,
  Counter,
  DatabaseName,
  Host,
  Name,
  NumberSyncStandbys,
  Port,
  SystemIdentifier,
} from './fields.ts';

/** Every error answer. */
export const ErrorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    detail: z.optional(z.string()),
    hint: z.optional(z.string()),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** `GET /v1/health`; the incarnation changes when the monitor's store is made anew. */
export const HealthBody = z.object({ ok: z.boolean(), version: z.string(), incarnation: z.string() });
export type HealthBody = z.infer<typeof HealthBody>;

export const FormationKind = z.enum(['pgsql']);

/** `POST /v1/formations` */
export const CreateFormationBody = z.strictObject({
  name: Name,
  kind: z._default(FormationKind, 'pgsql'),
  dbname: z._default(DatabaseName, 'postgres'),
  number_sync_standbys: z.optional(z.nullable(NumberSyncStandbys)),
});
export type CreateFormationBody = z.input<typeof CreateFormationBody>;

export const FormationBody = z.object({
  name: z.string(),
  kind: z.string(),
  dbname: z.string(),
  /** null: chosen from the number of standbys. */
  number_sync_standbys: z.nullable(z.number()),
  groups: z.array(z.number()),
  node_count: z.number(),
});
export type FormationBody = z.infer<typeof FormationBody>;

function milliseconds(minimum: number) {
  return z.int().check(z.minimum(minimum), z.maximum(86_400_000));
}

/** The settings of a formation's groups, as `GET` shows them. */
export const SettingsBody = z.strictObject({
  dbname: DatabaseName,
  number_sync_standbys: z.nullable(NumberSyncStandbys),
  detection_ms: milliseconds(200),
  heartbeat_ms: milliseconds(50),
  absent_ms: milliseconds(1_000),
  admission_lag_bytes: z.int().check(z.minimum(0)),
  handover_ms: milliseconds(1_000),
  hang_ms: milliseconds(1_000),
  on_crash: z.enum(['failover', 'restart']),
  crash_failovers: z.int().check(z.minimum(0), z.maximum(100)),
  crash_window_ms: milliseconds(1_000),
  fencing: z.enum(['off', 'on']),
  paused: z.boolean(),
  durability: z.enum(['quorum', 'async']),
  maximum_lag_on_failover: z.int().check(z.minimum(0)),
  reads: z.enum(['fast', 'strict']),
  lease_ms: milliseconds(3_000),
});
export type SettingsBody = z.infer<typeof SettingsBody>;

/** `PATCH …/settings`: what is not named stays. */
export const SettingsPatchBody = z.partial(SettingsBody);
export type SettingsPatchBody = z.infer<typeof SettingsPatchBody>;

/** `POST …/nodes`; `auth` is the pg_hba method of the node: for `trust` there are no secrets. */
export const RegisterNodeBody = z.strictObject({
  name: z.optional(Name),
  group: z._default(Counter, 0),
  host: Host,
  port: Port,
  /** Where its keeper listens, if the keepers of the group decide themselves. */
  keeper_port: z.optional(Port),
  candidate_priority: z._default(CandidatePriority, 50),
  replication_quorum: z._default(z.boolean(), true),
  /** null: the data directory is empty, and the node will clone or be the first. */
  system_identifier: z._default(z.nullable(SystemIdentifier), null),
  auth: z._default(z.string().check(z.regex(/^[a-z0-9-]{1,32}$/)), 'scram-sha-256'),
});
export type RegisterNodeBody = z.input<typeof RegisterNodeBody>;

/** Passwords of the group's own roles; the same on all its nodes. */
export const GroupSecretsBody = z.object({ keeper_password: z.string(), replication_password: z.string() });
export type GroupSecretsBody = z.infer<typeof GroupSecretsBody>;

export const RegisteredNodeBody = z.object({
  node_id: z.number(),
  name: z.string(),
  group: z.number(),
  record_version: z.number(),
  /** By which a keeper tells whether its journal is of this group. */
  record: z.optional(RecordDocument),
  secrets: z.optional(GroupSecretsBody),
});
export type RegisteredNodeBody = z.infer<typeof RegisteredNodeBody>;

/** `PATCH …/nodes/:name`: what is not named stays. */
export const UpdateNodeBody = z.strictObject({
  name: z.optional(Name),
  host: z.optional(Host),
  port: z.optional(Port),
  candidate_priority: z.optional(CandidatePriority),
  replication_quorum: z.optional(z.boolean()),
});
export type UpdateNodeBody = z.infer<typeof UpdateNodeBody>;

export const MaintenanceBody = z.strictObject({ allow_failover: z._default(z.boolean(), false) });

/** The answer to every request that changes a group: what will happen, in words. */
export const AcceptedBody = z.object({
  /** false after a dry run: nothing was written. */
  accepted: z.boolean(),
  because: z.string(),
  plan: z.array(z.string()),
  record_version: z.number(),
});
export type AcceptedBody = z.infer<typeof AcceptedBody>;

const RequestedBy = z.string().check(z.minLength(1), z.maxLength(200));

/** `POST …/switchover`; `target` is a node's name. */
export const SwitchoverBody = z.strictObject({
  target: z.optional(Name),
  dry_run: z._default(z.boolean(), false),
  requested_by: RequestedBy,
});
export type SwitchoverBody = z.input<typeof SwitchoverBody>;

/** `POST …/recover`: the names are those of nodes. `secrets`: the group's passwords, which its nodes have and a new monitor has not. */
export const RecoverBody = z.strictObject({
  nodes: z.int().check(z.minimum(1), z.maximum(1_000)),
  missing: z._default(z.array(Name).check(z.maxLength(1_000)), []),
  from: z.optional(Name),
  allow_data_loss: z._default(z.boolean(), false),
  dry_run: z._default(z.boolean(), false),
  requested_by: RequestedBy,
  secrets: z.optional(GroupSecretsBody),
});
export type RecoverBody = z.input<typeof RecoverBody>;

/** `POST …/move`: one step of a move into another home. `to`: its URI; nothing secret may be in it. */
export const MoveBody = z.strictObject({
  step: z.enum(['announce', 'finish', 'undo']),
  to: z.string().check(z.minLength(1), z.maxLength(2_000)),
  dry_run: z._default(z.boolean(), false),
  requested_by: RequestedBy,
});
export type MoveBody = z.input<typeof MoveBody>;

/**
 * `POST …/arrive`, in the new home: the last record of the old one; or one that
 * only announces the move, which asks whether there is room and writes nothing
 * that stays. `secrets`: the group's passwords, which a new monitor has not.
 */
export const ArriveBody = z.strictObject({ record: RecordDocument, secrets: z.optional(GroupSecretsBody) });
export type ArriveBody = z.infer<typeof ArriveBody>;

/** `POST …/failover`; `target` is a node's name. */
export const FailoverBody = z.strictObject({
  target: z.optional(Name),
  allow_data_loss: z._default(z.boolean(), false),
  dry_run: z._default(z.boolean(), false),
  requested_by: RequestedBy,
});
export type FailoverBody = z.input<typeof FailoverBody>;

/** One row of `show state`. */
export const NodeView = z.object({
  node_id: z.number(),
  name: z.string(),
  host: z.string(),
  port: z.number(),
  group_id: z.number(),
  reported_state: z.string(),
  assigned_state: z.string(),
  /** null until the node has reported a position. */
  timeline: z.nullable(z.number()),
  lsn: z.nullable(z.string()),
  /** `read-write`, `read-only` or `none`; with `!` at its end when the keeper is silent. */
  connection: z.string(),
  health: z.enum(['good', 'bad', 'unknown']),
  /** null: it has never reported to this monitor process. */
  report_age_ms: z.nullable(z.number()),
  candidate_priority: z.number(),
  replication_quorum: z.boolean(),
  activity: z.nullable(z.string()),
  problem: z.nullable(z.string()),
  /** Behind the primary by the newest reports; null when one of them is not known. */
  lag_bytes: z.nullable(z.number()),
});
export type NodeView = z.infer<typeof NodeView>;

export const GroupBody = z.object({
  record: RecordDocument,
  record_version: z.number(),
  nodes: z.array(NodeView),
  /** Why nothing is decided for the group: its nodes know better than this store. */
  refused: z.optional(z.string()),
});
export type GroupBody = z.infer<typeof GroupBody>;

/** What the monitor knows now, for `why`. */
export const EvidenceBody = z.object({
  record: RecordDocument,
  record_version: z.number(),
  evidence: z.custom<Evidence>(
    (value) =>
      typeof value === 'object' && value !== null && Array.isArray((value as Partial<Evidence>).reports),
  ),
});
export type EvidenceBody = z.infer<typeof EvidenceBody>;

/** `POST …/reports`; with the record of the keeper's journal when the last answer has asked for it. */
export const ReportBody = z.strictObject({ report: ReportDocument, record: z.optional(RecordDocument) });

/** The record comes with the answer when the keeper acted on an older one. */
export const ReportAnswerBody = z.object({
  record_version: z.number(),
  record: z.optional(RecordDocument),
  /** Nothing is decided for the group here: to the keeper the store is as good as silent. */
  refused: z.optional(z.string()),
  /** How long the lease lasts that the report asked for, from the moment on at which it was sent, ms; absent: there is none. */
  lease_ms: z.optional(z.number()),
  /** The record of the keeper's journal is wanted with its next report. */
  send_record: z.optional(z.boolean()),
});
export type ReportAnswerBody = z.infer<typeof ReportAnswerBody>;

export const EventKind = z.enum(['decision', 'state', 'operator', 'monitor']);
export type EventKind = z.infer<typeof EventKind>;

/** One line of a group's history. `inputs` holds the evidence of a decision. */
export const EventBody = z.object({
  id: z.number(),
  /** ISO wall clock of the monitor, for people only. */
  at: z.string(),
  formation: z.string(),
  group: z.number(),
  kind: EventKind,
  /** The name of the node that it is about. */
  node: z.optional(z.string()),
  node_id: z.optional(z.number()),
  host: z.optional(z.string()),
  port: z.optional(z.number()),
  rule: z.optional(z.string()),
  because: z.string(),
  term: z.number(),
  /** The version of the record that it was decided or told on: the one before the change. */
  record_version: z.number(),
  reported_state: z.optional(z.string()),
  assigned_state: z.optional(z.string()),
  inputs: z.optional(z.unknown()),
  /** With the confirmation of a reign: what the change of primary went through, in ms since it was decided. */
  timeline: z.optional(
    z.array(z.object({ step: z.enum(MILESTONE_STEPS), node: z.string(), after_ms: z.number() })),
  ),
  /** The record that resulted from a change. It and the next two come only with `details=true`. */
  record: z.optional(RecordDocument),
  /** The record that the change was made to; left out when `follows` says which one it was. */
  record_read: z.optional(RecordDocument),
  /** The change was made to the result of the change with this `record_version`. */
  follows: z.optional(z.number()),
});
export type EventBody = z.infer<typeof EventBody>;

/** `GET /v1/formations/:f/uri`: for the applications. */
export const FormationUriBody = z.object({
  formation: z.string(),
  read_write_uri: z.string(),
  read_only_uri: z.string(),
});
export type FormationUriBody = z.infer<typeof FormationUriBody>;

/** The data of a `record` event of the watch. */
export const RecordEventBody = z.object({ version: z.number(), record: RecordDocument });
export type RecordEventBody = z.infer<typeof RecordEventBody>;
