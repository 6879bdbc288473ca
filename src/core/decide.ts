import type { Evidence, PostgresReport, Report } from './evidence.ts';
import { elect, isFetchedInVain, livePledges } from './election.ts';
import {
  cohortMembers,
  currentRule,
  findNode,
  nameOf,
  type GroupRecord,
  type Intent,
  type NodeEntry,
} from './group-record.ts';
import { failOverAsync } from './fail-over-async.ts';
import { isAsyncRule, isLeaseOver, mayLoseCommits } from './lease.ts';
import { continuesReign, reignTimelineAfter } from './lineage.ts';
import { isAwaited, liveReport } from './live-report.ts';
import { canStand, holderCondition, isEligibleAtNeed, isFit } from './liveness.ts';
import { describeRule, wantedRule } from './membership.ts';
import { hasMoved } from './move-record.ts';
import { livePledge, withIntent, withReign } from './next-reign.ts';
import { satisfiesAllRules, withRules } from './quorum.ts';

/** What to swap into the store next, and why. */
export interface Decision {
  readonly next: GroupRecord;
  readonly rule: RuleName;
  /** A sentence for people: shown by `show events` and `why`. */
  readonly because: string;
  /** It may be written only as long as the store has no lease: to be checked in the same transaction. */
  readonly needsNoLease?: true;
}

export type RuleName = keyof typeof RULES;

type RuleFunction = (record: GroupRecord, evidence: Evidence) => Omit<Decision, 'rule'> | undefined;

/** The whole policy, in order: the first rule that speaks wins. A rule that returns undefined has nothing to say. */
const RULES = {
  form_group: formGroup,
  learn_promotion: learnPromotion,
  confirm_reign: confirmReign,
  elect_after_drain: electAfterDrain,
  fail_over_from_handover: failOverFromHandover,
  undo_handover: undoHandover,
  begin_reign: beginReign,
  give_up_fetch: giveUpFetch,
  renew_term: renewTerm,
  fail_over: failOver,
  restart_in_place: restartInPlace,
  confirm_rule: confirmRule,
  change_rule: changeRule,
  remove_dropped: removeDropped,
} satisfies Record<string, RuleFunction>;

const IN_ORDER = Object.entries(RULES) as readonly (readonly [RuleName, RuleFunction])[];

export const RULE_NAMES = IN_ORDER.map(([name]) => name);

/**
 * Decides the next record of one group; undefined: hold still. Pure: the same
 * record and evidence always give the same decision, so every failover can be
 * replayed. Safe for anybody to run: the swap is on exactly the record read.
 */
export function decide(record: GroupRecord, evidence: Evidence): Decision | undefined {
  // What is decided on an old record could undo what commits stand on since.
  if (evidence.contradiction !== undefined) return undefined;
  // The truth is elsewhere.
  if (hasMoved(record)) return undefined;
  for (const [name, speak] of IN_ORDER) {
    const decision = speak(record, evidence);
    if (decision !== undefined) return { ...decision, rule: name };
  }
  return undefined;
}

/** The first holder names the group: from then on no other system identifier is let in. */
function formGroup(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  if (record.systemIdentifier !== null || record.reign === null) return undefined;
  const identifier = liveReport(record, evidence, record.reign.holder)?.postgres.systemIdentifier;
  if (identifier == null) return undefined;
  return {
    next: { ...record, systemIdentifier: identifier },
    because: `${nameOf(record, record.reign.holder)} forms the group with system identifier ${identifier}`,
  };
}

/**
 * The holder has been promoted: where its timeline began is known from now on.
 * And again when somebody promoted it by hand in its own reign.
 */
function learnPromotion(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign } = record;
  if (reign === null) return undefined;
  const report = liveReport(record, evidence, reign.holder);
  const position = report?.postgres.position;
  if (report?.promotedTerm !== reign.term || report.postgres.role !== 'primary' || position == null)
    return undefined;
  const { history } = report.postgres;
  const isOlder = reign.basis !== null && position.timeline <= reign.basis.position.timeline;
  const isKnown = reign.history !== null && !continuesReign(reign, { position, history });
  if (isOlder || isKnown) return undefined;
  const start = history.at(-1)?.end;
  return {
    next: {
      ...record,
      reign: { ...reign, timeline: position.timeline, history },
      nextTimeline: Math.max(record.nextTimeline, reignTimelineAfter(position.timeline)),
    },
    because: `${nameOf(record, reign.holder)} is the primary of term ${reign.term} on timeline ${position.timeline}${start === undefined ? '' : `, from ${start}`}`,
  };
}

/** The marker of the reign is acknowledged: what the new primary has can no longer be lost. */
function confirmReign(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign } = record;
  if (reign === null || reign.confirmed || reign.history === null) return undefined;
  if (liveReport(record, evidence, reign.holder)?.servingTerm !== reign.term) return undefined;
  return {
    next: { ...record, reign: { ...reign, confirmed: true } },
    because: `the first commit of term ${reign.term} is acknowledged, ${nameOf(record, reign.holder)} serves clients`,
  };
}

/** The old primary has shut down cleanly and pledged: now the others pledge. */
function electAfterDrain(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { intent } = record;
  if (intent?.stage !== 'drain') return undefined;
  const pledge = liveReport(record, evidence, intent.from)?.pledge;
  if (pledge?.term !== intent.term) return undefined;
  return {
    next: { ...record, intent: { ...intent, stage: 'elect', cleanEnd: pledge.position } },
    because: `${nameOf(record, intent.from)} has shut down cleanly at ${pledge.position.lsn}`,
  };
}

/** The old primary died while it was to hand over. */
function failOverFromHandover(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { intent } = record;
  if (intent?.stage !== 'drain') return undefined;
  const condition = holderCondition(record, evidence);
  const died =
    condition.kind === 'lost' ||
    condition.kind === 'hung' ||
    (condition.kind === 'down' && condition.report.postgres.status !== 'stopped');
  if (!died) return undefined;
  return {
    next: {
      ...record,
      intent: {
        ...intent,
        kind: 'failover',
        stage: 'elect',
        cause: condition.kind === 'lost' ? 'lost' : 'crash',
      },
    },
    because: `${condition.because} while it was to hand over`,
  };
}

/** A handover that can't stop the old primary in time is taken back; nobody has pledged yet. */
function undoHandover(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { intent, settings } = record;
  if (intent?.stage !== 'drain') return undefined;
  const tooLate = evidence.intentAgeMs >= settings.handoverMs;
  const targetGone =
    intent.target !== null &&
    !canStand(record, evidence, intent.target) &&
    !isAwaited(record, evidence, intent.target);
  if (!tooLate && !targetGone) return undefined;
  const why = tooLate
    ? `${nameOf(record, intent.from)} did not shut down within ${settings.handoverMs} ms`
    : `${nameOf(record, intent.target ?? intent.from)} can no longer be promoted`;
  // What it was to make room for does not come about either: a holder in maintenance would not be failed over.
  const nodes = record.nodes.map((node) =>
    node.id === intent.from ? { ...node, maintenance: false, dropping: 'no' as const } : node,
  );
  return { next: { ...record, intent: null, nodes }, because: `the switchover is undone: ${why}` };
}

/** Enough of the cohort has promised the term: the most advanced of them reigns. */
function beginReign(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { intent } = record;
  if (intent === null || intent.stage === 'drain') return undefined;
  if (intent.stage === 'fetch' && !hasFetched(record, intent, evidence)) return undefined;
  const outcome = elect(record, intent, evidence);
  switch (outcome.kind) {
    case 'wait':
      return undefined;
    case 'fetch':
      return {
        next: {
          ...record,
          intent: {
            ...intent,
            stage: 'fetch',
            fetch: {
              candidate: outcome.winner.node,
              source: outcome.source.node,
              upTo: outcome.source.pledge.position,
            },
          },
        },
        because: outcome.because,
      };
    case 'elected': {
      const next = withReign(record, intent, outcome.winner, evidence);
      const because = `${outcome.because}${priceInWords(next)}`;
      const hasPromised = livePledge(record, evidence, intent, intent.from);
      if (next.reign?.fencedBy === undefined || hasPromised) return { next, because };
      // Whose predecessor has not pledged may begin only when its lease has ended in the store.
      return isLeaseOver(next, evidence) ? { next, because, needsNoLease: true } : undefined;
    }
  }
}

function priceInWords({ reign }: GroupRecord): string {
  const lack = reign?.mayLackBytes;
  return lack === undefined
    ? ''
    : `; of the last known WAL of the old primary it lacks ${lack ?? 'nobody knows how many'} bytes, and what that one wrote later is lost`;
}

function hasFetched(record: GroupRecord, intent: Intent, evidence: Evidence): boolean {
  const candidate = livePledges(record, evidence, intent.term).find(
    ({ node }) => node === intent.fetch?.candidate,
  );
  return candidate !== undefined && elect(record, intent, evidence).kind === 'elected';
}

/** The node that was to fetch, or the one to fetch from, has gone: elect anew among those that are left. */
function giveUpFetch(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { intent } = record;
  if (intent?.stage !== 'fetch' || intent.fetch === null) return undefined;
  const { candidate, source } = intent.fetch;
  const gone = [candidate, source].find(
    (node) => liveReport(record, evidence, node) === undefined && !isAwaited(record, evidence, node),
  );
  const isInVain = isFetchedInVain(record, intent, evidence);
  if (gone === undefined && !isInVain && evidence.intentAgeMs < record.settings.handoverMs) return undefined;
  const target = gone === candidate || isInVain ? null : source;
  const why = isInVain ? 'was promoted outside of the group meanwhile' : 'did not get the WAL in time';
  return {
    next: { ...record, intent: { ...intent, stage: 'elect', fetch: null, target } },
    because:
      gone === undefined
        ? `${nameOf(record, candidate)} ${why}`
        : `${nameOf(record, gone)} has gone while WAL was fetched`,
  };
}

/**
 * A node has promised a term that nobody works on: it can only come back under
 * a newer one. It need not be a member any more, where the store was lost in a
 * change of reign.
 */
function renewTerm(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign, intent } = record;
  if (reign === null || intent !== null) return undefined;
  const promised = ({ id }: NodeEntry): number => liveReport(record, evidence, id)?.pledge?.term ?? 0;
  const first = record.nodes.find((node) => promised(node) > reign.term);
  if (first === undefined || !couldElect(record, evidence, { holder: true })) return undefined;
  const term = Math.max(record.term, ...record.nodes.map(promised)) + 1;
  const because = `"${first.name}" has pledged term ${promised(first)}, beyond the present term ${reign.term}`;
  return { next: withIntent(record, 'failover', term, reign, 'lost', because), because };
}

/** The holder is dead or hangs, and enough members are here to prove that nothing is lost. */
function failOver(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign, intent, settings } = record;
  if (reign === null || intent !== null || settings.paused) return undefined;
  if (findNode(record, reign.holder)?.maintenance) return undefined;
  const condition = holderCondition(record, evidence);
  if (condition.kind === 'alive' || condition.kind === 'doubtful') return undefined;
  // What its own keeper says is the fault of PostgreSQL and not of the machine or the network.
  const isCrash = condition.kind === 'down' || condition.kind === 'hung';
  if (isCrash && prefersRestart(record, evidence, condition.report.postgres.status)) return undefined;
  const isGone =
    condition.kind === 'lost' || (condition.kind === 'down' && !hasData(condition.report.postgres));
  const { because } = condition;
  if (mayLoseCommits(record)) return failOverAsync(record, evidence, reign, { isCrash, isGone, because });
  if (!couldElect(record, evidence, { down: isGone })) return undefined;
  const cause = isCrash ? 'crash' : 'lost';
  return { next: withIntent(record, 'failover', record.term + 1, reign, cause, because), because };
}

/** A query that crashes servers must not walk through all of them: after a few failovers crashes are restarted in place. */
function prefersRestart(record: GroupRecord, evidence: Evidence, status: string): boolean {
  if (status === 'absent' || status === 'incomplete') return false;
  const { onCrash, crashFailovers } = record.settings;
  return onCrash === 'restart' || evidence.recentCrashFailovers >= crashFailovers;
}

/** Whether the members that are alive could elect somebody, the holder counted or not. */
function couldElect(record: GroupRecord, evidence: Evidence, counted: Counted = {}): boolean {
  const holder = record.reign?.holder;
  const able = cohortMembers(record).filter((node) => {
    const postgres = liveReport(record, evidence, node)?.postgres;
    if (postgres === undefined || !hasData(postgres)) return false;
    if (node === holder) return counted.holder === true;
    return counted.down === true || (postgres.status === 'running' && postgres.role === 'standby');
  });
  const holderIsAble = holder !== undefined && able.includes(holder);
  const hasCandidate =
    holderIsAble || able.some((node) => isEligibleAtNeed(record, node) && isFit(record, evidence, node));
  return hasCandidate && (holderIsAble || satisfiesAllRules(record, able));
}

interface Counted {
  /** The holder too: it has promised a later term itself. */
  readonly holder?: boolean;
  /** Servers that are down too: they are started to pledge. That takes longer than a restart of the holder, if it can be had. */
  readonly down?: boolean;
}

function isDown({ status }: Pick<PostgresReport, 'status'>): boolean {
  return status === 'stopped' || status === 'crashed' || !hasData({ status });
}

function hasData({ status }: Pick<PostgresReport, 'status'>): boolean {
  return status !== 'absent' && status !== 'incomplete';
}

/** No candidate is ready, or the budget is used up: the holder recovers on the spot, fenced until its marker is acknowledged. */
function restartInPlace(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign, intent } = record;
  if (reign === null || intent !== null) return undefined;
  if (findNode(record, reign.holder)?.maintenance) return undefined;
  const condition = holderCondition(record, evidence);
  if (condition.kind !== 'down' && condition.kind !== 'hung') return undefined;
  const { report } = condition;
  const restartable =
    condition.kind === 'hung'
      ? isUseless(record, report)
      : report.postgres.status === 'stopped' || report.postgres.status === 'crashed';
  // A permission that has not been used is still good: granting another would only fill the store.
  if (!restartable || report.promotedTerm !== reign.term || report.restartsUsed < reign.restarts)
    return undefined;
  const why = couldElect(record, evidence)
    ? `${evidence.recentCrashFailovers} failovers for crashes were enough`
    : 'no other member can prove that it has all commits';
  return {
    next: { ...record, reign: { ...reign, restarts: reign.restarts + 1 } },
    because: `${condition.because} and is restarted in place: ${why}`,
  };
}

/** Nothing is taken from anybody by ending it: not even a session that it has is answered, and not for a moment only. */
function isUseless(record: GroupRecord, { postgres, unansweredMs }: Report): boolean {
  return postgres.role === null && unansweredMs >= record.settings.hangMs;
}

/** The new rule is in force on the primary and its voters hold all that was acknowledged before. */
function confirmRule(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign, intent } = record;
  const rule = currentRule(record);
  if (reign === null || intent !== null || rule === undefined || record.rules.length < 2) return undefined;
  // A holder that knows no leases would acknowledge alone, and nothing would end it.
  if (isAsyncRule(rule) && evidence.lease?.term !== reign.term) return undefined;
  const confirmed = liveReport(record, evidence, reign.holder)?.confirmedRule;
  if (confirmed?.term !== reign.term || confirmed.change !== record.ruleChanges) return undefined;
  return { next: withRules(record, [rule]), because: `in force: ${describeRule(record, rule)}` };
}

/** Voters join and leave, and k follows; the old rule stays in force beside the new one until that is confirmed. */
function changeRule(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign, intent } = record;
  if (reign === null || intent !== null || reign.history === null) return undefined;
  const holder = liveReport(record, evidence, reign.holder);
  if (holder?.promotedTerm !== reign.term || holder.postgres.role !== 'primary') return undefined;
  const wanted = wantedRule(record, evidence);
  if (wanted === undefined) return undefined;
  return { next: withRules(record, [...record.rules, wanted.rule]), because: wanted.because };
}

/** A dropped node goes when nothing counts on it any more and its keeper has let go. */
function removeDropped(record: GroupRecord, evidence: Evidence): ReturnType<RuleFunction> {
  const { reign, intent } = record;
  if (intent !== null) return undefined;
  const members = cohortMembers(record);
  const gone = record.nodes.find((node) => {
    if (node.dropping === 'no' || node.id === reign?.holder || members.includes(node.id)) return false;
    if (node.dropping === 'forced') return true;
    const report = liveReport(record, evidence, node.id);
    return report === undefined || isDown(report.postgres);
  });
  if (gone === undefined) return undefined;
  return {
    next: { ...record, nodes: record.nodes.filter((node) => node !== gone) },
    because: `"${gone.name}" has left the group`,
  };
}
