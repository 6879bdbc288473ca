import type { Evidence } from '../src/core/evidence.ts';
import { livePledges } from '../src/core/election.ts';
import { findNode, type GroupRecord, type Reign } from '../src/core/group-record.ts';
import { comparePositions, sameSwitches, type Lineage } from '../src/core/lineage.ts';
import { heard, type Decided, type Offence } from './decided.ts';
import { copiesFall } from './membership-rules.ts';
import { walOfGroup } from './observation.ts';
import { sharesHistory } from './wal.ts';
import type { World } from './world.ts';

export function crowns(decided: Decided): Offence | undefined {
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

export function fetchesInVain(world: World, record: GroupRecord, evidence: Evidence): Offence | undefined {
  const fetch = record.intent?.fetch;
  if (fetch == null) return undefined;
  const [wal, source] = [fetch.candidate, fetch.source].map((node) => walOfGroup(world, record, node));
  if (wal === undefined || source === undefined || sharesHistory(wal, source)) return undefined;
  const { pledge, postgres } = heard({ before: record, evidence }, fetch.candidate) ?? {};
  // Where the source stands a decider knows by its pledge only.
  const isSourceKnown =
    heard({ before: record, evidence }, fetch.source)?.pledge?.term === record.intent?.term;
  const isTold = [pledge?.position, postgres?.position].some(
    (position) => position?.timeline === wal.at(-1)?.timeline.id,
  );
  // It was promoted by hand only just now.
  if (!isTold || !isSourceKnown) return undefined;
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
