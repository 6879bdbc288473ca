import { isAway } from './absence.ts';
import { reportOf, type Evidence, type Report } from './evidence.ts';
import {
  cohortMembers,
  currentRule,
  findNode,
  nameOf,
  type GroupRecord,
  type NodeId,
  type Reign,
} from './group-record.ts';
import { liveReport } from './live-report.ts';
import { effectiveNumberSync } from './quorum.ts';

/** What the evidence says of the holder. */
export type HolderCondition =
  | { readonly kind: 'alive' }
  /** Its keeper is here and says that PostgreSQL is not. */
  | { readonly kind: 'down'; readonly report: Report; readonly because: string }
  /** Its keeper is here and gets no answer from it, for longer than the group waits. */
  | { readonly kind: 'hung'; readonly report: Report; readonly because: string }
  /** Keeper and replication have both been silent for the detection time. */
  | { readonly kind: 'lost'; readonly because: string }
  /** It is here and writes can't go on: too few of its voters, which are here too, receive from it. */
  | { readonly kind: 'cut_off'; readonly because: string }
  /** Not heard of, but not proven dead. */
  | { readonly kind: 'doubtful'; readonly because: string };

const ALIVE: HolderCondition = { kind: 'alive' };

/** Judges the holder of the present reign. A dead process is believed at once, silence only after the detection time. */
export function holderCondition(record: GroupRecord, evidence: Evidence): HolderCondition {
  const { reign } = record;
  if (reign === null) return ALIVE;
  const live = liveReport(record, evidence, reign.holder);
  if (live !== undefined) {
    const condition = conditionByReport(record, evidence, reign, live);
    if (condition.kind !== 'alive' || live.servingTerm !== reign.term || !isCutOff(record, evidence))
      return condition;
    const because = `too few voters receive from ${nameOf(record, reign.holder)}, though it and they are here`;
    return { kind: 'cut_off', because };
  }

  const name = nameOf(record, reign.holder);
  const { detectionMs } = record.settings;
  // Who has not listened for so long has not heard it be silent.
  const heardAgoMs = reportOf(evidence, reign.holder)?.ageMs ?? Infinity;
  const silentMs = Math.round(Math.min(heardAgoMs, evidence.deciderAgeMs));
  if (silentMs < detectionMs) return { kind: 'alive' };
  const silence = `the keeper of ${name} has been silent for ${silentMs} ms`;
  return (
    doubt(record, evidence, silence) ?? {
      kind: 'lost',
      because: `${silence}, and no voter receives anything from its PostgreSQL`,
    }
  );
}

/** Whether something is to be decided that may rest on who has the lease. */
export function isLeaseOfInterest(record: GroupRecord, evidence: Evidence): boolean {
  const isChanging = record.intent !== null || record.rules.length > 1;
  return isChanging || holderCondition(record, evidence).kind !== 'alive';
}

/** Why it proves nothing that the holder is silent; undefined when it does. */
function doubt(record: GroupRecord, evidence: Evidence, silence: string): HolderCondition | undefined {
  if (evidence.deciderLagMs > record.settings.detectionMs / 2) {
    return {
      kind: 'doubtful',
      because: `the decider itself was late by ${Math.round(evidence.deciderLagMs)} ms and accuses nobody`,
    };
  }
  const witness = whoStillReceives(record, evidence);
  if (witness !== undefined) {
    return {
      kind: 'doubtful',
      because: `${silence}, but ${nameOf(record, witness)} still receives from its PostgreSQL`,
    };
  }
  return undefined;
}

/**
 * It is plain that a server hangs when neither its keeper nor any voter hears
 * from it. While replication goes on, or the sessions that there are, it may
 * only be slow, or stopped for a look with a debugger: then it has more time,
 * for a failover would end sessions that are served. Not for ever: nobody new
 * gets in.
 */
function hangCondition(record: GroupRecord, evidence: Evidence, report: Report): HolderCondition {
  const { unansweredMs, postgres, problem } = report;
  const { detectionMs, hangMs } = record.settings;
  if (unansweredMs < detectionMs) return ALIVE;
  const answersNobody = postgres.role === null;
  const what = answersNobody ? 'has not answered' : 'has hung';
  const found = answersNobody || problem === null ? '' : `: ${problem}`;
  const because = `PostgreSQL of ${nameOf(record, report.node)} ${what} for ${Math.round(unansweredMs)} ms${found}`;
  if (unansweredMs >= hangMs) return { kind: 'hung', report, because };
  const doubtful = doubt(record, evidence, because);
  if (doubtful !== undefined) return doubtful;
  return answersNobody ? { kind: 'hung', report, because } : { kind: 'doubtful', because };
}

function conditionByReport(
  record: GroupRecord,
  evidence: Evidence,
  reign: Reign,
  report: Report,
): HolderCondition {
  // Before the first holder has formed the group there is nothing to fail over to.
  if (record.systemIdentifier === null) return ALIVE;
  const down = (what: string): HolderCondition => ({ kind: 'down', report, because: what });
  const { status } = report.postgres;
  switch (status) {
    case 'running':
    case 'starting':
      return ALIVE;
    case 'unresponsive':
      return hangCondition(record, evidence, report);
    case 'stopped':
      // A holder that was elected while it was stopped has yet to start, and so has the first of all.
      return report.promotedTerm === reign.term && hasBegun(reign)
        ? down(`PostgreSQL of ${nameOf(record, reign.holder)} was shut down`)
        : ALIVE;
    case 'crashed':
      return down(`PostgreSQL of ${nameOf(record, reign.holder)} died`);
    case 'absent':
    case 'incomplete':
      return down(`${nameOf(record, reign.holder)} has lost its data directory`);
  }
}

/** Nobody has promised anything before the first reign: until it is seen to run it is being started. */
function hasBegun(reign: Reign): boolean {
  return reign.basis !== null || reign.history !== null;
}

/**
 * A holder whose commits wait for voters that can't reach it, while they could
 * go on among themselves. Asked only while it serves: its reign had its voters
 * once then, and one that recovers from a crash can't have them yet.
 */
function isCutOff(record: GroupRecord, evidence: Evidence): boolean {
  const { reign } = record;
  const rule = currentRule(record);
  if (reign === null || rule === undefined || effectiveNumberSync(record) === 0) return false;
  const isSilent = (node: NodeId): boolean => {
    const report = liveReport(record, evidence, node);
    return report?.postgres.upstream === null && isAway(record, evidence, node);
  };
  let mayReceive = 0;
  for (const node of rule.cohort) if (node !== reign.holder && !isSilent(node)) mayReceive += 1;
  return mayReceive < rule.k;
}

/** A standby that still receives from the holder in its term proves that its PostgreSQL lives. */
function whoStillReceives(record: GroupRecord, evidence: Evidence): NodeId | undefined {
  const { reign, settings } = record;
  return cohortMembers(record).find((member) => {
    if (member === reign?.holder) return false;
    const aged = reportOf(evidence, member);
    const upstream = aged?.report.postgres.upstream;
    if (aged === undefined || upstream == null || upstream.term !== reign?.term) return false;
    return upstream.silentMs + aged.ageMs < settings.detectionMs;
  });
}

/** Whether a node could pledge and be promoted, as far as its role policy and its last report say. */
export function canStand(record: GroupRecord, evidence: Evidence, node: NodeId): boolean {
  const entry = findNode(record, node);
  const report = liveReport(record, evidence, node);
  if (entry === undefined || report === undefined) return false;
  return (
    isEligible(record, node) &&
    isFit(record, evidence, node) &&
    report.postgres.status === 'running' &&
    report.postgres.role === 'standby'
  );
}

/** Whether a node that is heard says nothing against its own promotion. */
export function isFit(record: GroupRecord, evidence: Evidence, node: NodeId): boolean {
  return liveReport(record, evidence, node)?.unfit === null;
}

/** Whether role policy and cohort allow a node to hold the baton. */
export function isEligible(record: GroupRecord, node: NodeId): boolean {
  return allowsReign(record, node) && record.rules.every((rule) => rule.cohort.includes(node));
}

/**
 * The same where nobody else can be elected while the rule changes: a member
 * that joins or leaves will do. What the winner needs to have is proven by the
 * pledges, which satisfy every rule, and not by its own membership (I6).
 */
export function isEligibleAtNeed(record: GroupRecord, node: NodeId): boolean {
  return allowsReign(record, node) && cohortMembers(record).includes(node);
}

/**
 * The same where only members can be elected that people have asked to leave:
 * one of them has to stay, or nobody would be the primary.
 */
export function isEligibleThoughLeaving(record: GroupRecord, node: NodeId): boolean {
  const entry = findNode(record, node);
  return entry !== undefined && entry.candidatePriority > 0 && cohortMembers(record).includes(node);
}

function allowsReign(record: GroupRecord, node: NodeId): boolean {
  const entry = findNode(record, node);
  return entry !== undefined && !entry.maintenance && entry.dropping === 'no' && entry.candidatePriority > 0;
}
