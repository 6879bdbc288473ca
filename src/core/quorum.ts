import type { GroupRecord, NodeId, Rule } from './group-record.ts';

/**
 * How many members must pledge before a promotion: N − (k + 1) + 1. A commit
 * stands on k + 1 of the N configured members, so any two such sets share one.
 * Counted over configured members, never over those that happen to be alive.
 */
export function pledgesNeeded(rule: Rule): number {
  return rule.cohort.length - rule.k;
}

export function hasPromotionQuorum(rule: Rule, pledged: readonly NodeId[]): boolean {
  const counted = rule.cohort.filter((member) => pledged.includes(member));
  return counted.length >= pledgesNeeded(rule);
}

/** While a change of the cohort is under way every rule has to be satisfied. */
export function satisfiesAllRules(record: GroupRecord, pledged: readonly NodeId[]): boolean {
  return record.rules.length > 0 && record.rules.every((rule) => hasPromotionQuorum(rule, pledged));
}

/** The members whose flushes the holder waits for. */
export function votersOf(rule: Rule, holder: NodeId): readonly NodeId[] {
  return rule.cohort.filter((member) => member !== holder);
}

export function sameRule(a: Rule, b: Rule): boolean {
  return a.k === b.k && a.cohort.length === b.cohort.length && a.cohort.every((id, i) => id === b.cohort[i]);
}

/**
 * `number_sync_standbys` in force: what was set, or 1 as soon as two standbys
 * take part in the quorum. One that is still being copied does not: until it
 * has caught up, which takes hours where there is much to copy, a pair must
 * survive what a pair survives.
 */
export function effectiveNumberSync(record: GroupRecord): number {
  const { numberSyncStandbys, durability } = record.settings;
  if (durability === 'async') return 0;
  if (numberSyncStandbys !== null) return numberSyncStandbys;
  let standbys = 0;
  for (const { id, replicationQuorum, hasVoted, dropping } of record.nodes) {
    const mayVote = replicationQuorum && hasVoted !== false && dropping === 'no';
    if (mayVote && id !== record.reign?.holder) standbys += 1;
  }
  return standbys >= 2 ? 1 : 0;
}

/** Whether a holder may acknowledge alone, or the group may have let it without anybody else having heard of that. */
export function mayGoOnAlone(record: GroupRecord): boolean {
  return effectiveNumberSync(record) === 0 || record.rules.some(({ k }) => k === 0);
}

/**
 * The record with other rules, the last of which the primary shall work
 * towards; one that stands twice counts where it stands last.
 */
export function withRules(record: GroupRecord, rules: readonly Rule[]): GroupRecord {
  const distinct = rules.filter((rule, i) => !rules.slice(i + 1).some((later) => sameRule(rule, later)));
  const nodes = record.nodes.map((node) =>
    node.hasVoted === false && rules.some(({ cohort }) => cohort.includes(node.id))
      ? { ...node, hasVoted: true }
      : node,
  );
  return { ...record, nodes, rules: distinct, ruleChanges: record.ruleChanges + 1 };
}
