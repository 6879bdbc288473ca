import type { Decision, RuleName } from '../src/core/decide.ts';
import { isForeign, reportOf, type Evidence, type Report } from '../src/core/evidence.ts';
import {
  currentRule,
  findNode,
  type GroupRecord,
  type NodeId,
  type Reign,
} from '../src/core/group-record.ts';
import { comparePositions, sameSwitches, type Lineage } from '../src/core/lineage.ts';
import { livePledges } from '../src/core/election.ts';
import { lagBytes } from '../src/core/lsn.ts';
import { UNSATISFIABLE_NAMES } from '../src/core/server-settings.ts';
import { effectiveNumberSync } from '../src/core/quorum.ts';
import { checkCommitQuorums } from './commit-quorums.ts';
import { walOfGroup } from './observation.ts';
import { waitsForNobody } from './record-checks.ts';
import { sharesHistory } from './wal.ts';
import type { World } from './world.ts';

/** A decision with what was known when it was made. */
interface Decided {
  readonly world: World;
  readonly before: GroupRecord;
  readonly decision: Decision;
  readonly evidence: Evidence;
  /** For how long the decider has heard others, ms. */
  readonly listenedMs: number;
}

type Offence = readonly [invariant: string, detail: string];
type Check = (decided: Decided, reign: Reign) => Offence | undefined;

const CHECKS: Readonly<Partial<Record<RuleName, Check>>> = {
  fail_over: accuses,
  elect_after_drain: drains,
  begin_reign: crowns,
  confirm_reign: confirms,
  change_rule: changesRule,
  undo_handover: undoes,
  give_up_fetch: givesUp,
  restart_in_place: restarts,
  remove_dropped: removes,
};

/**
 * What no decision may do, whatever becomes of it: each of these is harmless
 * at first, because other guards still hold, and takes one of them away.
 */
export function checkDecision(decided: Decided): void {
  const { world, before, decision } = decided;
  if (before.reign === null) return;
  checkCommitQuorums(world, decision.next);
  const offence = CHECKS[decision.rule]?.(decided, before.reign);
  if (offence !== undefined) world.checkers.fail(offence[0], `${decision.rule}: ${offence[1]}`);
}

/** The report of a node that is not older than the detection time. Data of another system are none (I11). */
function heard({ before, evidence }: Pick<Decided, 'before' | 'evidence'>, node: NodeId): Report | undefined {
  const aged = reportOf(evidence, node);
  if (aged === undefined || aged.ageMs >= before.settings.detectionMs) return undefined;
  const { report } = aged;
  if (!isForeign(before, report.postgres)) return report;
  return { ...report, postgres: { ...report.postgres, status: 'absent', role: null } };
}

/** How much faster than the world's the clock of a decider may be. */
const DRIFT = 1.1;

function accuses(decided: Decided, reign: Reign): Offence | undefined {
  const { world, before, evidence, decision } = decided;
  const { detectionMs, crashFailovers } = before.settings;
  const holder = heard(decided, reign.holder);
  const couldPledge = (node: NodeId): boolean =>
    node !== reign.holder &&
    !['absent', 'incomplete', undefined].includes(heard(decided, node)?.postgres.status);
  if (before.rules.some(({ cohort }) => cohort.length === 1))
    return ['I3 a group without voters is not failed over by itself', `n${reign.holder} is given up`];
  const isAsync = waitsForNobody(before);
  if (isAsync && decision.next.intent?.cause === 'lost' && evidence.lease?.term !== null)
    return ['I3 nobody is given up while his lease lasts', `term ${evidence.lease?.term}`];
  if (!isAsync && before.rules.some(({ cohort, k }) => cohort.filter(couldPledge).length < cohort.length - k))
    return ['I26 nobody is given up in vain', 'too few members are here'];
  if (decision.next.intent?.cause === 'crash') {
    const hasData = holder?.postgres.status === 'stopped' || holder?.postgres.status === 'crashed';
    if (holder?.postgres.status === 'stopped' && holder.promotedTerm !== reign.term)
      return ['I32 nobody is given up on a guess', `n${reign.holder} was elected while it was down`];
    const hangs = holder?.postgres.status === 'unresponsive';
    const isSpent = evidence.recentCrashFailovers >= crashFailovers;
    if ((hasData || hangs) && isSpent)
      return ['I23 the budget of crash failovers is kept', 'the budget is spent'];
    return hangs ? accusesOfHanging(decided, reign, holder) : undefined;
  }
  if (holder !== undefined) return cutsOff(decided, reign, holder);
  const offence = (text: string): Offence => ['I32 nobody is given up on a guess', text];
  const unheardMs = reportOf(evidence, reign.holder)?.ageMs ?? Infinity;
  const silentMs = Math.min(unheardMs, evidence.deciderAgeMs, decided.listenedMs);
  // The core rounds ages for its sentences.
  if (silentMs < detectionMs - 1) return offence(`n${reign.holder} was listened to for ${silentMs} ms only`);
  const reignsForMs = world.clock.nowMs - world.checkers.reignBeganMs;
  if (unheardMs - reignsForMs >= detectionMs && reignsForMs < detectionMs / DRIFT)
    return offence(`n${reign.holder} reigns for ${reignsForMs} ms, and was not listened to before`);
  if (evidence.deciderLagMs > detectionMs / 2) return offence('the decider lags');
  const witness = whoReceives(decided, reign);
  return witness === undefined ? undefined : offence(`n${witness} still receives from n${reign.holder}`);
}

/** A member that has heard the replication of the holder within the detection time. */
function whoReceives({ before, evidence }: Decided, reign: Reign): NodeId | undefined {
  return evidence.reports.find(({ report: { node, postgres }, ageMs }) => {
    const { upstream } = postgres;
    const isMember = before.rules.some(({ cohort }) => cohort.includes(node));
    return (
      isMember && upstream?.term === reign.term && upstream.silentMs + ageMs < before.settings.detectionMs
    );
  })?.report.node;
}

/** A server that answers nothing may only be slow, as long as something still streams from it. */
function accusesOfHanging(decided: Decided, reign: Reign, { unansweredMs }: Report): Offence | undefined {
  const { detectionMs, hangMs } = decided.before.settings;
  const witness = whoReceives(decided, reign);
  const patienceMs = witness === undefined ? detectionMs : hangMs;
  return unansweredMs < patienceMs
    ? ['I32 nobody is given up on a guess', `n${reign.holder} did not answer for ${unansweredMs} ms only`]
    : undefined;
}

/** A holder that is here is given up only when too many of its voters, here too, receive from nobody. */
function cutsOff(decided: Decided, reign: Reign, holder: Report): Offence | undefined {
  const { before } = decided;
  const rule = currentRule(before);
  const offence = (text: string): Offence => ['I32 nobody is given up on a guess', text];
  if (!reign.confirmed) return offence('the reign never had its voters');
  if (holder.servingTerm !== reign.term) return offence(`n${reign.holder} does not serve yet`);
  const lonely = (rule?.cohort ?? []).filter(
    (node) => node !== reign.holder && heard(decided, node)?.postgres.upstream === null,
  ).length;
  const voters = (rule?.cohort.length ?? 1) - 1;
  return voters - lonely >= (rule?.k ?? 0) ? offence('its voters may still receive') : undefined;
}

function restarts(decided: Decided, reign: Reign): Offence | undefined {
  if (reign.basis === null && reign.history === null)
    return ['I23 a first start is no crash', `n${reign.holder} has yet to start`];
  const postgres = heard(decided, reign.holder)?.postgres;
  return postgres !== undefined && isForeign(decided.before, postgres)
    ? ['I11 a server with another system identifier takes no part', `n${reign.holder} is restarted`]
    : undefined;
}

function undoes(decided: Decided, { holder }: Reign): Offence | undefined {
  const { before, decision, evidence } = decided;
  const entry = findNode(decision.next, holder);
  return entry?.maintenance === true || entry?.dropping !== 'no'
    ? ['I23 an undone handover leaves nothing behind', `n${holder} is still on its way out`]
    : guesses(decided, reportOf(evidence, before.intent?.target ?? -1) !== undefined);
}

function givesUp(decided: Decided): Offence | undefined {
  const { before, evidence } = decided;
  const { candidate, source } = before.intent?.fetch ?? {};
  const isSilent = (node: NodeId | undefined): boolean =>
    node !== undefined && (reportOf(evidence, node)?.ageMs ?? 0) >= before.settings.detectionMs;
  return guesses(decided, isSilent(candidate) || isSilent(source));
}

/** What is under way is given up in time, or because of what was heard; who has had no time to report may be here. */
function guesses({ before, evidence }: Decided, isTold: boolean): Offence | undefined {
  const { detectionMs, handoverMs } = before.settings;
  const isKnown = isTold || evidence.deciderAgeMs >= detectionMs || evidence.intentAgeMs >= handoverMs;
  return isKnown
    ? undefined
    : ['I32 nobody is given up on a guess', `after ${Math.round(evidence.deciderAgeMs)} ms of listening`];
}

function removes({ before, decision }: Decided): Offence | undefined {
  const gone = before.nodes.find(({ id }) => findNode(decision.next, id) === undefined);
  return before.rules.some(({ cohort }) => gone !== undefined && cohort.includes(gone.id))
    ? ['I6 who counts is not forgotten', `n${gone?.id} is a member`]
    : undefined;
}

function drains({ world }: Decided, { holder }: Reign): Offence | undefined {
  const server = world.servers.get(holder);
  const isPrimary = server?.status === 'running' && server.role === 'primary';
  // Somebody may have started and promoted it since: there it acknowledges nothing.
  const isOpen = isPrimary && server.names?.text !== UNSATISFIABLE_NAMES;
  return isOpen
    ? ['I23 a handover waits for a clean end', `n${holder} still runs as the primary`]
    : undefined;
}

function crowns(decided: Decided): Offence | undefined {
  const { before, decision, evidence } = decided;
  const { reign } = decision.next;
  if (reign === null || reign.term === before.reign?.term) return fetches(decided);
  const entry = findNode(before, reign.holder);
  const text = `n${reign.holder} is elected`;
  const isLeaving = entry?.maintenance === true || entry?.dropping !== 'no';
  const mayStay = isLeaving && evidence.intentAgeMs >= TARGET_MS && !hasOther(decided, reign);
  if (entry === undefined || entry.candidatePriority === 0 || (isLeaving && !mayStay))
    return ['I23 role policy is kept', `${text}, which its policy rules out`];
  if (decision.next.rules.at(-1)?.cohort.includes(reign.holder) !== true)
    return ['I6 a holder is a member of the rule that it works towards', text];
  if (before.reign !== null && reign.timeline < before.nextTimeline)
    return ['I10 a timeline number is given once', `${text} on timeline ${reign.timeline}`];
  return before.intent?.allowDataLoss === true
    ? undefined
    : (ignoresTarget(decided, reign) ?? keepsForeign(decided, reign) ?? copiesFall(decided));
}

/** Who is to fetch what it lacks is on the way to it, as far as it has told. */
function fetches({ world, before, decision, evidence }: Decided): Offence | undefined {
  return before.intent?.fetch == null ? fetchesInVain(world, decision.next, evidence) : undefined;
}

function fetchesInVain(world: World, record: GroupRecord, evidence: Evidence): Offence | undefined {
  const fetch = record.intent?.fetch;
  if (fetch == null) return undefined;
  const [wal, source] = [fetch.candidate, fetch.source].map((node) => walOfGroup(world, record, node));
  if (wal === undefined || source === undefined || sharesHistory(wal, source)) return undefined;
  const { pledge, postgres } = heard({ before: record, evidence }, fetch.candidate) ?? {};
  const isTold = [pledge?.position, postgres?.position].some(
    (position) => position?.timeline === wal.at(-1)?.timeline.id,
  );
  // It was promoted by hand only just now.
  if (!isTold) return undefined;
  return ['I26 nothing is waited for in vain', `n${fetch.candidate} has diverged from n${fetch.source}`];
}

/** What somebody wrote to a server that he promoted is not kept where another one will do. */
function keepsForeign({ before, evidence }: Decided, { term, basis, holder }: Reign): Offence | undefined {
  // What the holder itself has may be acknowledged.
  if (holder === before.intent?.from) return undefined;
  const reigns = [before.reign, ...before.pastReigns];
  const own = reigns.flatMap((each) => [
    each?.timeline,
    ...(each?.history ?? each?.basis?.history ?? []).map(({ timeline }) => timeline),
    each?.basis?.position.timeline,
  ]);
  if (basis === null || own.includes(basis.position.timeline)) return undefined;
  // Who was promoted by hand twice in a row may be on the number of a reign, with another history.
  const hasOnlyTheNumber = ({ position, history }: Lineage): boolean =>
    reigns.some(
      (each) =>
        each?.timeline === position.timeline && each.history !== null && !sameSwitches(history, each.history),
    );
  const known = basis.history.findLast(({ timeline }) => own.includes(timeline));
  const other = livePledges(before, evidence, term).find(({ node, pledge }) => {
    const { position } = pledge;
    const isCounted =
      node !== before.intent?.from && own.includes(position.timeline) && !hasOnlyTheNumber(pledge);
    const end = { timeline: known?.timeline ?? 0, lsn: known?.end ?? '0/0' };
    // From the end of the present reign on it may be what the holder itself went on with.
    const isOfHolder = known?.timeline === before.reign?.timeline;
    return isCounted && comparePositions(position, end) >= (isOfHolder ? 1 : 0);
  });
  return other && ['I9 who was promoted by hand is rewound', `n${other.node} has no less`];
}

/** Whether a node that people let reign has promised the term, and has no less than the one that was elected. */
function hasOther(decided: Decided, { term, basis }: Reign): boolean {
  const { before } = decided;
  // A timeline between two reigns is of a promotion by hand.
  const timelines = [before.reign, ...before.pastReigns].map((reign) => reign?.timeline);
  return before.nodes.some(({ id, candidatePriority, maintenance, dropping }) => {
    const pledge = heard(decided, id)?.pledge;
    if (pledge?.term !== term || candidatePriority === 0 || maintenance || dropping !== 'no') return false;
    const isOnRecord = [pledge.position, ...pledge.history].every(({ timeline }) =>
      timelines.includes(timeline),
    );
    return isOnRecord && basis !== null && comparePositions(pledge.position, basis.position) >= 0;
  });
}

/** How long an election waits for the node that was asked for, and for anybody who is not about to leave, ms. */
const TARGET_MS = 5_000;

function ignoresTarget(decided: Decided, reign: Reign): Offence | undefined {
  const { before, evidence } = decided;
  const { intent } = before;
  if (intent?.kind !== 'handover' || intent.target === null || intent.target === reign.holder)
    return undefined;
  if (evidence.intentAgeMs >= TARGET_MS || intent.stage !== 'elect') return undefined;
  const report = heard(decided, intent.target);
  // Somebody promoted it meanwhile: it has to be rewound before it can be anything.
  if ((report?.pledge?.position.timeline ?? 0) > (before.reign?.timeline ?? 0)) return undefined;
  const target = report?.postgres;
  const entry = findNode(before, intent.target);
  const isFit = entry?.candidatePriority !== 0 && entry?.maintenance === false && entry.dropping === 'no';
  const isHere = target?.status === 'running' && target.role === 'standby';
  return isFit && isHere
    ? ['I23 a handover goes to the node that was asked for', `n${reign.holder} instead of n${intent.target}`]
    : undefined;
}

function confirms(decided: Decided, { holder, term }: Reign): Offence | undefined {
  return heard(decided, holder)?.servingTerm === term
    ? undefined
    : ['I13 a reign is confirmed by its marker', `n${holder} does not serve in term ${term}`];
}

function changesRule(decided: Decided, reign: Reign): Offence | undefined {
  const { before, decision } = decided;
  if (before.intent !== null) return ['I17 no rule changes in a change of reign', before.intent.because];
  const holder = heard(decided, reign.holder);
  if (holder?.postgres.role !== 'primary' || holder.promotedTerm !== reign.term)
    return ['I17 no rule changes in a change of reign', `n${reign.holder} is not the primary of its term`];
  const joining = currentRule(decision.next)?.cohort.filter(
    (node) => !currentRule(before)?.cohort.includes(node),
  );
  for (const node of joining ?? []) {
    const offence = (text: string): Offence => [
      'I16 a voter streams on the history of the reign',
      `n${node} ${text}`,
    ];
    const follower = holder.postgres.followers.find((each) => each.node === node && each.term === reign.term);
    if (follower?.state !== 'streaming') return offence(`does not stream in term ${reign.term}`);
    const lag =
      follower.flushLsn === null
        ? Infinity
        : lagBytes(holder.postgres.position?.lsn ?? '0/0', follower.flushLsn);
    if (lag > before.settings.admissionLagBytes) return offence(`is ${lag} bytes behind`);
    const timeline = heard(decided, node)?.postgres.position?.timeline;
    const ways = [reign.timeline, ...(reign.history ?? []).map((each) => each.timeline)];
    if (timeline === undefined || !ways.includes(timeline)) return offence(`is on timeline ${timeline}`);
  }
  return copiesFall(decided);
}

/** Fewer copies than before, and fewer than were asked for, though no person took the voters away. */
function copiesFall({ before, decision }: Decided): Offence | undefined {
  const [was, is] = [currentRule(before), currentRule(decision.next)];
  const asked = effectiveNumberSync(decision.next);
  if (was === undefined || is === undefined || is.k >= Math.min(was.k, asked)) return undefined;
  return is.k < Math.min(asked, mayVote(decision.next, was.cohort).length)
    ? ['I15 copies are lowered only when that is allowed', `${is.k + 1} copies, ${asked + 1} were asked for`]
    : undefined;
}

/** The standbys of a cohort that people let vote. */
function mayVote(record: GroupRecord, cohort: readonly NodeId[]): readonly NodeId[] {
  return cohort.filter((node) => node !== record.reign?.holder && isWelcome(record, node));
}

function isWelcome(record: GroupRecord, node: NodeId): boolean {
  const entry = findNode(record, node);
  return entry?.replicationQuorum === true && !entry.maintenance && entry.dropping === 'no';
}

/** How many standbys vote for one of the members that stay, whoever of them is the primary then. */
function standbysLeft(record: GroupRecord, cohort: readonly NodeId[]): number {
  return Math.max(0, cohort.filter((node) => isWelcome(record, node)).length - 1);
}

/** What people ask for takes no voter away that commits have to stand on, and disturbs no change of reign. */
export function checkRequest(world: World, before: GroupRecord, next: GroupRecord): void {
  if (before.intent !== null && next.reign !== null && next.intent?.term !== before.intent.term)
    world.checkers.fail('I17 one change of reign at a time', before.intent.because);
  const cohort = currentRule(before)?.cohort ?? [];
  const [was, is] = [standbysLeft(before, cohort), standbysLeft(next, cohort)];
  const asked = effectiveNumberSync(next);
  if (is >= was || is >= asked || next.reign === null) return;
  world.checkers.fail(
    'I15 copies are lowered only when that is allowed',
    `a request leaves ${is} voters, and commits have to stand on ${asked}`,
  );
}

/** A swap may come late by a turn of the decider, ms. */
const MARGIN_MS = 1_000;

/** Nothing is decided: then nothing may be overdue. */
export function checkRest(world: World, record: GroupRecord, evidence: Evidence): void {
  const { intent, reign, settings } = record;
  if (reign === null) return;
  const fail = (text: string): void => world.checkers.fail('I26 nothing is waited for in vain', text);
  const offence = fetchesInVain(world, record, evidence);
  if (offence !== undefined) fail(offence[1]);
  if (intent !== null && intent.stage !== 'elect' && evidence.intentAgeMs > settings.handoverMs + MARGIN_MS)
    fail(`term ${intent.term} has been in stage ${intent.stage} for ${evidence.intentAgeMs} ms`);
  const isHeldUp = intent !== null && intent.stage !== 'drain' && evidence.lease?.term === reign.term;
  const heldUpMs = Math.min(evidence.intentAgeMs, world.clock.nowMs - world.checkers.leaseRefreshedMs);
  // What has become a failover was a handover before, in which the holder needs its lease.
  if (isHeldUp && heldUpMs > settings.handoverMs + settings.leaseMs + MARGIN_MS)
    fail(`n${reign.holder} still has a lease, though it was given up ${heldUpMs} ms ago`);
  const members = record.rules.flatMap(({ cohort }) => cohort);
  const reports = evidence.reports.filter(
    ({ report: { node, postgres }, ageMs }) =>
      findNode(record, node) !== undefined && postgres.status === 'running' && ageMs < settings.detectionMs,
  );
  const ahead = reports.find(({ report: { pledge } }) => (pledge?.term ?? 0) > reign.term);
  if (
    intent === null &&
    ahead !== undefined &&
    members.every((node) => reports.some(({ report }) => report.node === node))
  )
    fail(`n${ahead.report.node} has pledged term ${ahead.report.pledge?.term}, which nobody works on`);
}
