import type { RuleName } from '../src/core/decide.ts';
import { isFetchedInVain } from '../src/core/election.ts';
import { isForeign, type AgedReport, type Evidence } from '../src/core/evidence.ts';
import { findNode, type GroupRecord, type NodeId, type Reign } from '../src/core/group-record.ts';
import { UNSATISFIABLE_NAMES } from '../src/core/server-settings.ts';
import { accuses } from './accusation-rules.ts';
import { checkCommitQuorums } from './commit-quorums.ts';
import { heard, type Check, type Decided, type Offence } from './decided.ts';
import { crowns, fetchesInVain } from './election-rules.ts';
import { changesRule, removes } from './membership-rules.ts';
import type { World } from './world.ts';

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

function restarts(decided: Decided, reign: Reign): Offence | undefined {
  if (reign.basis === null && reign.history === null)
    return ['I23 a first start is no crash', `n${reign.holder} has yet to start`];
  const postgres = heard(decided, reign.holder)?.postgres;
  return postgres !== undefined && isForeign(decided.before, postgres)
    ? ['I11 a server with another system identifier takes no part', `n${reign.holder} is restarted`]
    : undefined;
}

function undoes(decided: Decided, { holder }: Reign): Offence | undefined {
  const { before, decision } = decided;
  const entry = findNode(decision.next, holder);
  return entry?.maintenance === true || entry?.dropping !== 'no'
    ? ['I23 an undone handover leaves nothing behind', `n${holder} is still on its way out`]
    : guesses(decided, heard(decided, before.intent?.target ?? -1) !== undefined);
}

function givesUp(decided: Decided): Offence | undefined {
  const { before, evidence } = decided;
  return guesses(decided, before.intent !== null && isFetchedInVain(before, before.intent, evidence));
}

/** What is under way is given up in time, or because of what was heard; who has had no time to report may be here. */
function guesses({ before, evidence }: Decided, isTold: boolean): Offence | undefined {
  const { detectionMs, handoverMs } = before.settings;
  const isKnown = isTold || evidence.deciderAgeMs >= detectionMs || evidence.intentAgeMs >= handoverMs;
  return isKnown
    ? undefined
    : ['I32 nobody is given up on a guess', `after ${Math.round(evidence.deciderAgeMs)} ms of listening`];
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

function confirms(decided: Decided, { holder, term }: Reign): Offence | undefined {
  return heard(decided, holder)?.servingTerm === term
    ? undefined
    : ['I13 a reign is confirmed by its marker', `n${holder} does not serve in term ${term}`];
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
  if (intent === null) checkPledges(world, record, evidence, reign);
}

/** A promise that nobody works on lets its node follow nobody. */
function checkPledges(world: World, record: GroupRecord, evidence: Evidence, { term }: Reign): void {
  const isHere = ({ report, ageMs }: AgedReport): boolean =>
    findNode(record, report.node) !== undefined &&
    report.postgres.status === 'running' &&
    ageMs < record.settings.detectionMs;
  const ahead = evidence.reports.find(
    (aged) => (aged.report.pledge?.term ?? 0) > term && isHere(aged),
  )?.report;
  if (ahead === undefined) return;
  const isMissing = (node: NodeId): boolean =>
    !evidence.reports.some((aged) => aged.report.node === node && isHere(aged));
  if (record.rules.some(({ cohort }) => cohort.some(isMissing))) return;
  const text = `n${ahead.node} has pledged term ${ahead.pledge?.term}, which nobody works on`;
  world.checkers.fail('I26 nothing is waited for in vain', text);
}
