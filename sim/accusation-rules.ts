import { reportOf, type Report } from '../src/core/evidence.ts';
import { currentRule, type NodeId, type Reign } from '../src/core/group-record.ts';
import { heard, type Decided, type Offence } from './decided.ts';
import { waitsForNobody } from './record-checks.ts';

export function accuses(decided: Decided, reign: Reign): Offence | undefined {
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

/** How much faster than the world's the clock of a decider may be. */
const DRIFT = 1.1;

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
