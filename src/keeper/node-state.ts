import type { ConfirmedRule, Readiness, Report } from '../core/evidence.ts';
import {
  cohortMembers,
  currentRule,
  type GroupRecord,
  type NodeId,
  type Position,
} from '../core/group-record.ts';
import { needsLease } from '../core/lease.ts';
import type { LocalView } from '../core/action.ts';
import type { ServerSettings } from '../core/server-settings.ts';
import { compareLsn, type Lsn } from '../core/lsn.ts';
import { votersOf } from '../core/quorum.ts';
import { originOf } from '../core/record-home.ts';
import type { ServerObservation } from '../postgres/postgres-server.ts';
import type { JournalEntry } from './journal.ts';

/** What a keeper knows of itself between two steps and can afford to forget: after a restart it is observed anew. */
export interface NodeState {
  observation: ServerObservation;
  /** Monotonic, ms. */
  observedAtMs: number;
  /** Monotonic, ms: since when no look has had an answer; null while they have. */
  unansweredSinceMs: number | null;
  record: GroupRecord | null;
  recordVersion: number;
  configured: ServerSettings | null;
  appliedRule: AppliedRule | null;
  slotsFor: readonly NodeId[] | null;
  checkpointedFor: number | null;
  markerUnderWay: number | null;
  markerAcknowledged: number | null;
  /** What is being done, and what stands in the way, for people. */
  activity: string | null;
  problem: string | null;
  /** Why this node must not become the primary; null: it may. */
  unfit: string | null;
  /** Whether it can use the home that the group is to move to. */
  readiness: Readiness | undefined;
  /** What is wrong with its fencer or its watchdog, for people. */
  fencingProblem: string | null;
  /** The last record in the WAL by which the members were asked to let this primary go on, and when. */
  asked: AskedMembers | null;
  /** The last time of asking that every member has flushed. */
  confirmed: { readonly term: number; readonly askedAtMs: number } | null;
  /** Monotonic, ms: until then it may do without a lease; and when WAL was last seen to have grown. */
  leaseGraceUntilMs: number;
  walGrewAtMs: number;
  /** Monotonic, ms: when the intent was first seen in its stage, and when enough voters last streamed. */
  intentSeenAtMs: number;
  quorumSeenAtMs: number;
}

export interface AskedMembers {
  readonly term: number;
  /** Before the record was written. */
  readonly askedAtMs: number;
  readonly lsn: Lsn;
}

/** How long a keeper gives the store to answer its first request for a lease, as a share of the lease. */
const GRACE_SHARE = 1 / 3;

/** A lease is needed from now on: the keeper has just learned so, or has just started. */
export function beginLeaseGrace(state: NodeState, record: GroupRecord, nowMs: number): void {
  state.leaseGraceUntilMs = nowMs + record.settings.leaseMs * GRACE_SHARE;
}

export interface AppliedRule {
  readonly rule: ConfirmedRule;
  /** All that may have been acknowledged under the rule before lies before it. */
  readonly safeLsn: Lsn;
}

export function newNodeState(
  observation: ServerObservation,
  journal: JournalEntry,
  nowMs: number,
): NodeState {
  const { record } = journal;
  const graceMs = record !== null && needsLease(record) ? record.settings.leaseMs * GRACE_SHARE : 0;
  return {
    asked: null,
    confirmed: null,
    leaseGraceUntilMs: nowMs + graceMs,
    walGrewAtMs: nowMs,
    observation,
    observedAtMs: nowMs,
    unansweredSinceMs: null,
    record: journal.record,
    recordVersion: journal.recordVersion,
    configured: null,
    appliedRule: null,
    slotsFor: null,
    checkpointedFor: null,
    markerUnderWay: null,
    markerAcknowledged: null,
    activity: null,
    problem: null,
    unfit: null,
    readiness: undefined,
    fencingProblem: null,
    intentSeenAtMs: nowMs,
    quorumSeenAtMs: nowMs,
  };
}

/**
 * Takes in what a look at the server has found. A keeper that stood still
 * itself in the middle of a look must not accuse its server of all that time:
 * of no more than a look may take.
 */
export function noteLook(
  state: NodeState,
  observation: ServerObservation,
  look: { readonly beganMs: number; readonly endedMs: number; readonly timeoutMs: number },
): void {
  // Too few voters are missed from the moment in which a look has shown it, and not since the look before.
  if (hasVoters(state.record, state.observation) || hasVoters(state.record, observation))
    state.quorumSeenAtMs = look.endedMs;
  if (!samePosition(state.observation.position, observation.position)) state.walGrewAtMs = look.endedMs;
  state.observation = observation;
  state.observedAtMs = look.endedMs;
  noteConfirmation(state);
  if (observation.status !== 'unresponsive') state.unansweredSinceMs = null;
  else state.unansweredSinceMs ??= Math.max(look.beganMs, look.endedMs - look.timeoutMs);
}

function samePosition(a: Position | null, b: Position | null): boolean {
  return a?.timeline === b?.timeline && a?.lsn === b?.lsn;
}

/**
 * Who has flushed the record was receiving from this primary when it was asked,
 * and is not promoted before a lease has passed since. It takes all of them.
 */
function noteConfirmation(state: NodeState): void {
  const { asked, record, observation } = state;
  if (asked === null || record?.reign?.term !== asked.term) return;
  const hasFlushed = (member: NodeId): boolean =>
    observation.followers.some(
      ({ node, term, flushLsn }) =>
        node === member && term === asked.term && flushLsn !== null && compareLsn(flushLsn, asked.lsn) >= 0,
    );
  const { holder } = record.reign;
  if (!cohortMembers(record).every((member) => member === holder || hasFlushed(member))) return;
  state.confirmed = { term: asked.term, askedAtMs: asked.askedAtMs };
}

function unansweredMs({ observation, unansweredSinceMs }: NodeState, nowMs: number): number {
  // A step under way may know better than the last look.
  if (observation.status !== 'unresponsive' || unansweredSinceMs === null) return 0;
  return nowMs - unansweredSinceMs;
}

/** The input of `plan`. */
export function localView(
  node: NodeId,
  state: NodeState,
  journal: JournalEntry,
  times: {
    readonly nowMs: number;
    /** Of the store's lease for the present term, by the keeper's clock; minus infinity: it has none. */
    readonly leasedUntilMs: number;
  } & Pick<LocalView, 'storeSilentMs' | 'keeperLagMs'>,
): LocalView {
  const { record, asked, confirmed } = state;
  const term = record?.reign?.term;
  const confirmedUntilMs =
    confirmed !== null && confirmed.term === term && record !== null
      ? confirmed.askedAtMs + record.settings.leaseMs
      : -Infinity;
  return {
    node,
    postgres: state.observation,
    synchronousStandbyNames: state.observation.synchronousStandbyNames,
    pledge: journal.pledge,
    promotedTerm: journal.promotedTerm,
    servingTerm: journal.servingTerm,
    restartsUsed: journal.restartsUsed,
    copyOf: journal.copyOf,
    diskTimeline: state.observation.diskTimeline,
    configured: state.configured,
    appliedRule: state.appliedRule?.rule ?? null,
    slotsFor: state.slotsFor,
    checkpointedFor: state.checkpointedFor,
    markerUnderWay: state.markerUnderWay,
    markerAcknowledged: state.markerAcknowledged,
    unansweredMs: unansweredMs(state, times.nowMs),
    storeSilentMs: times.storeSilentMs,
    keeperLagMs: times.keeperLagMs,
    quorumSilentMs: times.nowMs - state.quorumSeenAtMs,
    leaseLeftMs: Math.max(times.leasedUntilMs, confirmedUntilMs) - times.nowMs,
    leaseGraceMs: state.leaseGraceUntilMs - times.nowMs,
    membersAskedMs: asked !== null && asked.term === term ? times.nowMs - asked.askedAtMs : Infinity,
    walStillMs: times.nowMs - state.walGrewAtMs,
    intentAgeMs: times.nowMs - state.intentSeenAtMs,
  };
}

/** Whether as many voters stream in the present term as a commit needs. */
export function hasVoters(record: GroupRecord | null, observation: ServerObservation): boolean {
  const rule = record === null ? undefined : currentRule(record);
  if (record?.reign == null || rule === undefined) return true;
  const { term, holder } = record.reign;
  const voters = votersOf(rule, holder);
  const streaming = observation.followers.filter(
    (each) => each.term === term && each.state === 'streaming' && voters.includes(each.node),
  );
  return streaming.length >= rule.k;
}

/** The rule in force, once k voters hold all that was acknowledged before it. */
export function confirmedRule(state: NodeState): ConfirmedRule | null {
  const { appliedRule, observation } = state;
  if (appliedRule === null || observation.role !== 'primary') return null;
  const { rule, safeLsn } = appliedRule;
  const holding = observation.followers.filter(
    (each) =>
      each.term === rule.term &&
      rule.cohort.includes(each.node) &&
      each.flushLsn !== null &&
      compareLsn(each.flushLsn, safeLsn) >= 0,
  );
  return holding.length >= rule.k ? rule : null;
}

/** The report of a keeper, without what only the sender knows. */
export function reportOfState(
  node: NodeId,
  state: NodeState,
  journal: JournalEntry,
  nowMs: number,
): Omit<Report, 'session' | 'sequence'> {
  const {
    status,
    systemIdentifier,
    serverVersion,
    role,
    position,
    history,
    markerTerm,
    upstream,
    followers,
  } = state.observation;
  return {
    node,
    recordVersion: state.recordVersion,
    recordOrigin: state.record === null ? undefined : originOf(state.record),
    postgres: {
      status,
      systemIdentifier,
      serverVersion,
      role,
      position,
      history,
      markerTerm,
      // What was silent when the server was looked at has not been heard since.
      upstream: upstream && { ...upstream, silentMs: upstream.silentMs + (nowMs - state.observedAtMs) },
      followers,
    },
    unansweredMs: unansweredMs(state, nowMs),
    pledge: journal.pledge,
    promotedTerm: journal.promotedTerm,
    restartsUsed: journal.restartsUsed,
    servingTerm: role === 'primary' ? journal.servingTerm : null,
    leaseFor: leaseRequest(node, state.record, journal, status),
    confirmedRule: confirmedRule(state),
    unfit: state.unfit,
    readiness: state.readiness,
    activity: state.activity,
    problem: state.problem ?? hangOf(state.observation) ?? state.unfit ?? state.fencingProblem,
  };
}

function hangOf({ status, detail }: ServerObservation): string | null {
  return status === 'unresponsive' ? detail : null;
}

/** The holder asks for its lease with each report, until it is to give the baton away or has no data that could serve. */
function leaseRequest(
  node: NodeId,
  record: GroupRecord | null,
  { pledge }: JournalEntry,
  status: ServerObservation['status'],
): number | undefined {
  if (record?.reign?.holder !== node || !needsLease(record)) return undefined;
  const { intent, reign } = record;
  const isLeaving = (intent !== null && intent.stage !== 'drain') || (pledge?.term ?? 0) > reign.term;
  return isLeaving || status === 'absent' || status === 'incomplete' ? undefined : reign.term;
}
