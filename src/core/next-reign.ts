import type { Evidence } from './evidence.ts';
import { livePledges, provesAll, type PledgedNode } from './election.ts';
import { currentRule, type GroupRecord, type Intent, type NodeId, type Reign } from './group-record.ts';
import { isAsyncRule, lackBytes, needsLease } from './lease.ts';
import { reignTimelineAfter } from './lineage.ts';
import { liveReport } from './live-report.ts';
import { ruleFor } from './membership.ts';
import { effectiveNumberSync, sameRule, votersOf, withRules } from './quorum.ts';

/** The record with an intent that gives the present holder up. */
export function withIntent(
  record: GroupRecord,
  kind: Intent['kind'],
  term: number,
  reign: Reign,
  cause: Reign['cause'],
  because: string,
  asked: Partial<Pick<Intent, 'target' | 'allowDataLoss'>> = {},
): GroupRecord {
  const intent: Intent = {
    kind,
    term,
    stage: kind === 'handover' ? 'drain' : 'elect',
    from: reign.holder,
    target: asked.target ?? null,
    cleanEnd: null,
    fetch: null,
    cause,
    because,
    allowDataLoss: asked.allowDataLoss ?? false,
  };
  return { ...record, term, intent };
}

/** How many reigns the record remembers. */
const REMEMBERED_REIGNS = 20;

/** The record in which the winner of an election reigns. */
export function withReign(
  record: GroupRecord,
  intent: Intent,
  winner: PledgedNode,
  evidence: Evidence,
): GroupRecord {
  // A promotion by hand may have used a number that was not given out (I10). A server that is down tells it in its pledge only.
  const seen = evidence.reports.flatMap(({ report }) => [
    report.postgres.position?.timeline ?? 0,
    report.pledge?.position.timeline ?? 0,
  ]);
  const timeline = Math.max(record.nextTimeline, ...seen.map(reignTimelineAfter));
  const reign: Reign = {
    term: intent.term,
    holder: winner.node,
    timeline,
    basis: { position: winner.pledge.position, history: winner.pledge.history },
    history: null,
    confirmed: false,
    restarts: 0,
    cause: intent.cause,
    because: intent.because,
    ...priceOf(record, intent, winner, evidence),
  };
  const next: GroupRecord = {
    ...record,
    reign,
    pastReigns: [...(record.reign === null ? [] : [record.reign]), ...record.pastReigns].slice(
      0,
      REMEMBERED_REIGNS,
    ),
    intent: null,
    // Elected all the same, it was the only one who could be: it stays.
    nodes: record.nodes.map((node) =>
      node.id === winner.node ? { ...node, maintenance: false, dropping: 'no' } : node,
    ),
    nextTimeline: reignTimelineAfter(timeline),
  };
  return withRulesOfReign(next, intent, evidence);
}

/** What it costs that the old holder has not pledged: nothing where a quorum proves all, and nobody's reads count. */
function priceOf(
  record: GroupRecord,
  intent: Intent,
  winner: PledgedNode,
  evidence: Evidence,
): Pick<Reign, 'fencedBy' | 'mayLackBytes'> {
  const { reign } = record;
  if (livePledge(record, evidence, intent, intent.from)) {
    // A holder that was elected and not promoted has not outlasted what fences the one before it.
    if (reign?.fencedBy === undefined || reign.history !== null) return {};
    const { fencedBy, mayLackBytes } = reign;
    return { fencedBy, ...(mayLackBytes === undefined ? {} : { mayLackBytes }) };
  }
  if (!needsLease(record)) return {};
  return {
    fencedBy: 'lease',
    ...(record.rules.some(isAsyncRule) ? { mayLackBytes: lackBytes(evidence, winner.pledge.position) } : {}),
  };
}

/** Whether a node has pledged the term of the intent, and is here. */
export function livePledge(record: GroupRecord, evidence: Evidence, { term }: Intent, of: NodeId): boolean {
  return livePledges(record, evidence, term).some(({ node }) => node === of);
}

/**
 * The cohort stays the same through a change of reign. Two exceptions: a pair
 * whose survivor is alone goes on alone where number_sync_standbys is 0, by
 * this very decision; and a promotion with accepted loss starts from itself.
 */
function withRulesOfReign(record: GroupRecord, intent: Intent, evidence: Evidence): GroupRecord {
  const { reign } = record;
  if (reign === null) return record;
  // A holder that was about to leave works back towards the newest rule that it is a member of.
  const rule = record.rules.findLast(({ cohort }) => cohort.includes(reign.holder)) ?? currentRule(record);
  if (rule === undefined) return record;
  const rules = rule === currentRule(record) ? record.rules : [...record.rules, rule];
  // Commits of an async group stand on its holder alone whoever follows: there is nothing to shrink to.
  if (isAsyncRule(rule)) return rule === currentRule(record) ? record : withRules(record, rules);
  const alone = ruleFor(reign.holder, [], 0);
  const proven = provesAll(
    record,
    intent,
    livePledges(record, evidence, intent.term).map(({ node }) => node),
  );
  if (!proven) return withRules(record, [alone]);
  const others = votersOf(rule, reign.holder).filter(
    (node) => node !== intent.from && liveReport(record, evidence, node)?.postgres.status === 'running',
  );
  const goesOnAlone = others.length === 0 && effectiveNumberSync(record) === 0 && !sameRule(rule, alone);
  if (goesOnAlone) return withRules(record, [...rules, alone]);
  return rules === record.rules ? record : withRules(record, rules);
}
