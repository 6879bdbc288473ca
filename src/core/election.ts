import type { Evidence, Pledge, PostgresReport } from './evidence.ts';
import {
  cohortMembers,
  findNode,
  nameOf,
  type GroupRecord,
  type Intent,
  type NodeId,
} from './group-record.ts';
import { knownPart } from './known-history.ts';
import { comparePositions, relationToHistory, type Lineage } from './lineage.ts';
import { isCloseEnough, mayLoseCommits } from './lease.ts';
import { liveReport } from './live-report.ts';
import { isEligible, isEligibleAtNeed, isEligibleThoughLeaving, isFit } from './liveness.ts';
import { LSN_ZERO } from './lsn.ts';
import { satisfiesAllRules } from './quorum.ts';

export interface PledgedNode {
  readonly node: NodeId;
  readonly pledge: Pledge;
  /** What its server is now: somebody may have promoted it by hand since it pledged. */
  readonly postgres: Pick<PostgresReport, 'position' | 'history'>;
}

export type Outcome =
  | { readonly kind: 'wait'; readonly because: string }
  /** The candidate has all that the pledges prove. */
  | { readonly kind: 'elected'; readonly winner: PledgedNode; readonly because: string }
  /** The preferred candidate must first fetch WAL from the most advanced. */
  | {
      readonly kind: 'fetch';
      readonly winner: PledgedNode;
      readonly source: PledgedNode;
      readonly because: string;
    };

/** How long an election waits for members that are alive and have not pledged, once enough others have, ms. */
const LATECOMER_MS = 500;
/** How long an election waits for the node that was asked for, and for anybody who is not about to leave, ms. */
const TARGET_MS = 5_000;

/** The pledges of an intent's term by nodes that are alive. */
export function livePledges(record: GroupRecord, evidence: Evidence, term: number): readonly PledgedNode[] {
  return cohortMembers(record).flatMap((node) => {
    const report = liveReport(record, evidence, node);
    return report?.pledge?.term === term ? [{ node, pledge: report.pledge, postgres: report.postgres }] : [];
  });
}

/** Who shall hold the baton, by the pledges that have come in. */
export function elect(record: GroupRecord, intent: Intent, evidence: Evidence): Outcome {
  const pledged = livePledges(record, evidence, intent.term);
  const late = latecomer(record, intent, evidence, pledged);
  const sets = setsThatProve(record, intent, evidence, pledged);
  if (sets.length === 0 && mayLoseCommits(record) && pledged.length > 0)
    return wait(
      `what has pledged term ${intent.term} (${namesOf(record, pledged)}) may lack more of the old primary's commits than maximum_lag_on_failover, ${record.settings.maximumLagOnFailover} bytes`,
    );
  if (sets.length === 0)
    return wait(`too few members have pledged term ${intent.term}: ${namesOf(record, pledged)}`);
  if (late !== undefined) return wait(`${nameOf(record, late)} is alive and may still pledge`);
  let outcome: Outcome | undefined;
  const isUrgent = evidence.intentAgeMs >= TARGET_MS;
  for (const allows of [isEligible, isEligibleAtNeed, ...(isUrgent ? [isEligibleThoughLeaving] : [])]) {
    const mayStand: Eligibility = (_, node) => allows(record, node) && isFit(record, evidence, node);
    for (const set of sets) {
      const chosen = choose(record, intent, set, mayStand);
      if (chosen.kind !== 'wait') return chosen;
      outcome ??= chosen;
    }
  }
  return outcome ?? wait('nobody can be elected');
}

/** Who may be elected among those that have pledged. */
type Eligibility = (record: GroupRecord, node: NodeId) => boolean;

/**
 * The sets of pledges that prove that no commit is lost, the preferred one
 * first. The old holder is left out where the others suffice: what only it has
 * was never acknowledged, and it may be the one that keeps crashing.
 */
function setsThatProve(
  record: GroupRecord,
  intent: Intent,
  evidence: Evidence,
  pledged: readonly PledgedNode[],
): readonly (readonly PledgedNode[])[] {
  const suffices = (nodes: readonly PledgedNode[]): boolean =>
    provesAll(
      record,
      intent,
      nodes.map(({ node }) => node),
    );
  const others = pledged.filter(({ node }) => node !== intent.from);
  const sets = (intent.kind === 'failover' ? [others, pledged] : [pledged]).filter(suffices);
  if (sets.length > 0 || pledged.length === 0) return sets;
  const isLossAccepted = intent.allowDataLoss && evidence.intentAgeMs >= TARGET_MS;
  return isLossAccepted || goesOnWithout(record, intent, evidence, pledged) ? [pledged] : sets;
}

/**
 * An async group goes on without its old holder, when that does not come back
 * to pledge, from a member that lacks little enough of what it last told.
 */
function goesOnWithout(
  record: GroupRecord,
  intent: Intent,
  evidence: Evidence,
  pledged: readonly PledgedNode[],
): boolean {
  if (intent.kind !== 'failover' || !mayLoseCommits(record)) return false;
  const isHere = liveReport(record, evidence, intent.from) !== undefined;
  if (isHere && evidence.intentAgeMs < TARGET_MS) return false;
  return pledged.some(({ pledge }) => isCloseEnough(record, evidence, pledge.position));
}

/**
 * Whether these pledges show every acknowledged commit: enough members do, and
 * so does the old holder alone, since nothing is acknowledged that is not
 * durable there first.
 */
export function provesAll(record: GroupRecord, { from }: Intent, pledged: readonly NodeId[]): boolean {
  return pledged.includes(from) || satisfiesAllRules(record, pledged);
}

/** The winner among pledges that prove enough. */
function choose(
  record: GroupRecord,
  intent: Intent,
  counted: readonly PledgedNode[],
  mayStand: Eligibility,
): Outcome {
  const accounted = withPromotedHolder(
    record,
    intent,
    counted.map((each) => accountFor(record, each)),
  );
  const own = accounted.filter(({ isForeign }) => !isForeign);
  const source = mostAdvanced(own);
  const best = mostAdvanced(accounted);
  if (source === undefined || best === undefined || compareKnown(best, source) > 0) {
    return electForeign(record, best, mayStand);
  }
  const winner = bestCandidate(record, intent, own, source, mayStand);
  if (winner === undefined)
    return wait(`none of the pledged members may be promoted: ${namesOf(record, counted)}`);
  if (compareKnown(winner, source) >= 0) {
    return { kind: 'elected', winner, because: electedBecause(record, winner, counted) };
  }
  return {
    kind: 'fetch',
    winner,
    source,
    because: `${nameOf(record, winner.node)} is preferred and lacks WAL that ${nameOf(record, source.node)} has`,
  };
}

/**
 * Only a node that was promoted by hand proves all acknowledged commits. What
 * it wrote after that was acknowledged by nobody and harms nobody, so it may
 * go on.
 */
function electForeign(record: GroupRecord, best: AccountedNode | undefined, mayStand: Eligibility): Outcome {
  if (best === undefined) {
    return wait('what the pledged members have comes from no reign of this group');
  }
  const name = nameOf(record, best.node);
  if (!mayStand(record, best.node)) {
    return wait(
      `${name} was promoted outside of the group, had more than any other before that, and may not be promoted`,
    );
  }
  const because = `${name} was promoted outside of the group, and had no less than any other before that`;
  return { kind: 'elected', winner: best, because };
}

function wait(because: string): Outcome {
  return { kind: 'wait', because };
}

function latecomer(
  record: GroupRecord,
  intent: Intent,
  evidence: Evidence,
  pledged: readonly PledgedNode[],
): NodeId | undefined {
  if (isHandedOver(intent, pledged)) return undefined;
  return cohortMembers(record).find((node) => {
    if (pledged.some((each) => each.node === node)) return false;
    // A crashed holder has to start first: nobody waits for that.
    if (node === intent.from && intent.kind === 'failover') return false;
    const patienceMs = node === intent.target ? TARGET_MS : LATECOMER_MS;
    const report = liveReport(record, evidence, node);
    return (
      report?.postgres.status === 'running' && evidence.intentAgeMs < patienceMs && isEligible(record, node)
    );
  });
}

interface AccountedNode extends PledgedNode {
  /** The part of its WAL that the group's reigns account for. */
  readonly known: Lineage;
  /** It has WAL of a promotion by hand besides: it has to be rewound before it can be anything. */
  readonly isForeign: boolean;
}

function accountFor(record: GroupRecord, pledged: PledgedNode): AccountedNode {
  const { pledge } = pledged;
  const known = knownPart(record, pledge) ?? NOTHING;
  const isForeign = comparePositions(known.position, pledge.position) !== 0;
  return { ...pledged, known, isForeign };
}

/**
 * Where somebody has promoted the holder in its own reign, its voters follow it
 * there, and what they acknowledge the group may never have heard of. The
 * holder itself has all of that. Of the others only WAL that has all of the
 * reign before can be it; where it is of a standby that was promoted instead,
 * it was acknowledged by nobody and harms nobody.
 */
function withPromotedHolder(
  record: GroupRecord,
  { from }: Intent,
  accounted: readonly AccountedNode[],
): readonly AccountedNode[] {
  const furthest = mostAdvanced(accounted);
  return accounted.map((each) => {
    const goesOn = each.isForeign && each.known.position.timeline === record.reign?.timeline;
    const hasAllBefore = furthest !== undefined && compareKnown(each, furthest) >= 0;
    const isOfHolder = each.node === from || (goesOn && hasAllBefore);
    return isOfHolder ? { ...each, known: each.pledge, isForeign: false } : each;
  });
}

const NOTHING: Lineage = { position: { timeline: 0, lsn: LSN_ZERO }, history: [] };

function compareKnown(a: AccountedNode, b: AccountedNode): number {
  return comparePositions(a.known.position, b.known.position);
}

function mostAdvanced(accounted: readonly AccountedNode[]): AccountedNode | undefined {
  return accounted.toSorted((a, b) => compareKnown(b, a))[0];
}

/** The target has all that the old primary had when it shut down: nobody can know more. */
function isHandedOver({ target, cleanEnd }: Intent, pledged: readonly PledgedNode[]): boolean {
  if (cleanEnd === null) return false;
  return pledged.some(
    ({ node, pledge }) => node === target && comparePositions(pledge.position, cleanEnd) >= 0,
  );
}

/**
 * The node asked for, else by candidate priority, then by WAL, then by id;
 * among those only whose WAL the most advanced contains: what has diverged
 * from it could never fetch what is missing.
 */
function bestCandidate(
  record: GroupRecord,
  intent: Intent,
  pledged: readonly AccountedNode[],
  source: AccountedNode,
  mayStand: Eligibility,
): AccountedNode | undefined {
  const candidates = pledged.filter(
    (each) =>
      mayStand(record, each.node) &&
      isContained(each.pledge, source.pledge) &&
      (compareKnown(each, source) >= 0 || canFetch(each, source)),
  );
  const asked = candidates.find(({ node }) => node === intent.target);
  if (asked !== undefined) return asked;
  const priority = ({ node }: PledgedNode): number => findNode(record, node)?.candidatePriority ?? 0;
  const leavesFrom = ({ node }: PledgedNode): number => (node === intent.from ? 1 : 0);
  return candidates.toSorted(
    (a, b) =>
      leavesFrom(a) - leavesFrom(b) ||
      priority(b) - priority(a) ||
      comparePositions(b.pledge.position, a.pledge.position) ||
      a.node - b.node,
  )[0];
}

/** Whether its server has not been led away, by a promotion by hand, from what it lacks since it pledged. */
function canFetch({ postgres: { position, history } }: PledgedNode, { pledge }: PledgedNode): boolean {
  return position === null || isContained({ position, history }, pledge);
}

/** Whether the node that is to fetch WAL was promoted by hand since it was told to: it would never have it. */
export function isFetchedInVain(record: GroupRecord, { term, fetch }: Intent, evidence: Evidence): boolean {
  const pledged = livePledges(record, evidence, term);
  const candidate = pledged.find(({ node }) => node === fetch?.candidate);
  const source = pledged.find(({ node }) => node === fetch?.source);
  if (candidate === undefined || source === undefined) return false;
  return !isContained(candidate.pledge, source.pledge) || !canFetch(candidate, source);
}

function isContained(local: Lineage, { position, history }: Lineage): boolean {
  return relationToHistory(local, history, position.timeline) === 'contained';
}

function electedBecause(record: GroupRecord, winner: PledgedNode, counted: readonly PledgedNode[]): string {
  const { timeline, lsn } = winner.pledge.position;
  const stays = isEligibleAtNeed(record, winner.node)
    ? ''
    : '; it was to leave, and nobody else can be promoted';
  return `${nameOf(record, winner.node)} has WAL up to ${lsn} on timeline ${timeline}, no less than any pledged member (${namesOf(record, counted)})${stays}`;
}

function namesOf(record: GroupRecord, pledged: readonly PledgedNode[]): string {
  return pledged.length === 0 ? 'none' : pledged.map(({ node }) => nameOf(record, node)).join(', ');
}
