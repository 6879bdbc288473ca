import type { NodeId } from './group-record.ts';

/** Who receives, and for which term: what stands in `application_name` and `synchronous_standby_names`. */
export interface StandbyTag {
  readonly node: NodeId;
  readonly term: number;
}

/**
 * `pgbaton_2@7`: node 2 pledged to term 7. A standby that has gone on to term 8
 * has another name, so it can never acknowledge a commit of term 7 (I2).
 * Always far below 63 bytes: PostgreSQL cuts longer names without a word, and
 * commits then wait for ever.
 */
export function formatStandbyTag(tag: StandbyTag): string {
  return `pgbaton_${tag.node}@${tag.term}`;
}

export function parseStandbyTag(applicationName: string): StandbyTag | undefined {
  const match = /^pgbaton_(\d{1,15})@(\d{1,15})$/.exec(applicationName);
  return match ? { node: Number(match[1]), term: Number(match[2]) } : undefined;
}

/** The value of `synchronous_standby_names` for the voters of a term; empty when none is needed. */
export function synchronousStandbyNames(voters: readonly NodeId[], k: number, term: number): string {
  if (k === 0) return '';
  // Unquoted, a name with "@" is a syntax error and the whole reload is ignored.
  const names = voters.map((node) => `"${formatStandbyTag({ node, term })}"`);
  return `ANY ${k} (${names.join(', ')})`;
}

/** The physical replication slot that every possible upstream keeps for a node. */
export function slotName(node: NodeId): string {
  return `pgbaton_${node}`;
}
