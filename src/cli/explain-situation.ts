import type { EventBody } from '../api/schemas.ts';
import type { Evidence } from '../core/evidence.ts';
import { currentRule, nameOf, type GroupRecord } from '../core/group-record.ts';
import { describeRule } from '../core/membership.ts';
import { groupObstacles, promotionObstacles } from '../core/obstacles.ts';
import { describeEvidence } from './describe-evidence.ts';

export interface Situation {
  readonly record: GroupRecord;
  readonly evidence: Evidence;
  /** Of the group, oldest first. */
  readonly events: readonly EventBody[];
}

/** The present situation of a group in words, in snake_case because `why --json` prints it. */
export interface Explanation {
  readonly formation: string;
  readonly group: number;
  readonly baton: BatonHolding | null;
  /** The change of primary that is under way. */
  readonly under_way: string | null;
  /** On how many nodes a commit stands. */
  readonly durability: string | null;
  /** How the present or coming reign came about, oldest first. */
  readonly steps: readonly ExplainedStep[];
  /** What the last change of primary went through, in ms since it was decided; empty when the history does not tell. */
  readonly timeline: readonly ExplainedMilestone[];
  readonly nodes: readonly ExplainedNode[];
  /** What keeps the group from a failover or from being whole, each with the way out. */
  readonly blocked: readonly string[];
}

export interface BatonHolding {
  readonly holder: string;
  readonly term: number;
  readonly cause: string;
  readonly because: string;
  /** ISO wall clock of the monitor; null when its history does not go back so far. */
  readonly since: string | null;
  readonly serves_clients: boolean;
  /** Of the last known WAL of the primary before it, where it began without that one's pledge; null: nobody knows. */
  readonly may_lack_bytes?: number | null;
}

export interface ExplainedStep {
  readonly at: string;
  /** The rule that spoke, or `operator`. */
  readonly rule: string;
  readonly because: string;
  /** What the decision was based on, a line a node. */
  readonly inputs: readonly string[];
}

export type ExplainedMilestone = NonNullable<EventBody['timeline']>[number];

export interface ExplainedNode {
  readonly name: string;
  readonly is_primary: boolean;
  /** What would stop it from being promoted now; empty: nothing. */
  readonly obstacles: readonly string[];
}

/** Explains who holds the baton, why, and what would happen next. Pure. */
export function explainSituation({ record, evidence, events }: Situation): Explanation {
  const { reign, intent } = record;
  const rule = currentRule(record);
  return {
    formation: record.formation,
    group: record.group,
    baton:
      reign === null
        ? null
        : {
            holder: nameOf(record, reign.holder).replaceAll('"', ''),
            term: reign.term,
            cause: reign.cause,
            because: reign.because,
            since: beginOfTerm(events, reign.term)?.at ?? null,
            serves_clients: reign.confirmed,
            ...(reign.mayLackBytes === undefined ? {} : { may_lack_bytes: reign.mayLackBytes }),
          },
    under_way:
      intent === null
        ? null
        : `${intent.kind} to term ${intent.term}, ${describeStage(record)}: ${intent.because}`,
    durability: rule === undefined ? null : describeRule(record, rule),
    steps: stepsOfTerm(record, events),
    timeline: events.findLast(({ term, timeline }) => term === reign?.term && timeline)?.timeline ?? [],
    nodes: record.nodes.map((node) => ({
      name: node.name,
      is_primary: reign?.holder === node.id,
      obstacles: reign?.holder === node.id ? [] : promotionObstacles(record, evidence, node.id),
    })),
    blocked: groupObstacles(record, evidence),
  };
}

function describeStage({ intent }: GroupRecord): string {
  switch (intent?.stage) {
    case 'drain':
      return 'the old primary shuts down';
    case 'elect':
      return 'the members pledge';
    case 'fetch':
      return 'the candidate fetches the WAL that it lacks';
    case undefined:
      return '';
  }
}

/** Decisions that change who reigns; those after the confirmation are about something else. */
const REIGN_RULES: ReadonlySet<string> = new Set([
  'form_group',
  'fail_over',
  'fail_over_from_handover',
  'elect_after_drain',
  'begin_reign',
  'give_up_fetch',
  'renew_term',
  'learn_promotion',
  'confirm_reign',
]);

function stepsOfTerm(record: GroupRecord, events: readonly EventBody[]): readonly ExplainedStep[] {
  const term = record.intent?.term ?? record.reign?.term;
  const ofTerm = events.filter((event) => event.term === term);
  const confirmed = ofTerm.findIndex((event) => event.rule === 'confirm_reign');
  return (confirmed < 0 ? ofTerm : ofTerm.slice(0, confirmed + 1))
    .filter(({ kind, rule }) => kind === 'operator' || (kind === 'decision' && REIGN_RULES.has(rule ?? '')))
    .map((event) => ({
      at: event.at,
      rule: event.rule ?? event.kind,
      because: event.because,
      inputs: isEvidence(event.inputs) ? describeEvidence(record, event.inputs) : [],
    }));
}

function beginOfTerm(events: readonly EventBody[], term: number): EventBody | undefined {
  const began = events.find((event) => event.term === term && event.rule === 'begin_reign');
  return began ?? events.find((event) => event.term === term && event.rule === 'confirm_reign');
}

function isEvidence(inputs: unknown): inputs is Evidence {
  return (
    typeof inputs === 'object' && inputs !== null && Array.isArray((inputs as Partial<Evidence>).reports)
  );
}
