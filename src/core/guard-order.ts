import type { LocalView } from './action.ts';
import { formatStandbyTag } from './application-name.ts';
import { cohortMembers, type GroupRecord } from './group-record.ts';
import { needsLease } from './lease.ts';
import { votersOf } from './quorum.ts';

/** So many of these standbys, by their application names, have to stream. */
export interface StreamingQuorum {
  readonly count: number;
  readonly names: readonly string[];
}

/** What a keeper tells its fencer about the server beside them. */
export type GuardOrder =
  /**
   * It is open to clients in this term. If the keeper falls silent, it is to
   * be ended unless each of the quorums streams from it.
   */
  | { readonly kind: 'guard'; readonly term: number; readonly quorums: readonly StreamingQuorum[] }
  /** It stands on its lease: it is to be ended when that ends, in so many ms, unless the keeper has said something else by then. */
  | { readonly kind: 'lease'; readonly term: number; readonly leftMs: number }
  /** It is closed to clients, or nobody can be promoted beside it: whatever becomes of the keeper, it may live. */
  | { readonly kind: 'release' }
  /** Neither is certain: what was last said stays in force, and runs out. */
  | { readonly kind: 'hold' };

/**
 * A primary whose keeper hangs needs to be ended only when another reign may
 * have begun. While k voters of its rule still stream in its term, too few are
 * left to elect anybody: r = N - k, and the holder has not pledged. A rule that
 * the keeper knows of may be over, so each of them has to be seen to hold.
 */
export function guardOrder(record: GroupRecord, local: LocalView): GuardOrder {
  const { status, role } = local.postgres;
  const isDown = status !== 'running' && status !== 'starting' && status !== 'unresponsive';
  if (isDown || role === 'standby') return { kind: 'release' };
  const { reign, intent, settings } = record;
  // People are at work, and nothing is failed over by itself.
  if (settings.paused && !needsLease(record)) return { kind: 'release' };
  const isHolder = reign?.holder === local.node && (intent === null || intent.stage === 'drain');
  // Also one that does not answer: its keeper sees that, and the group decides what becomes of it.
  const isOpen = local.servingTerm !== null && local.servingTerm === reign?.term;
  if (reign === null || !isHolder || !isOpen || (local.pledge?.term ?? 0) > reign.term)
    return { kind: 'hold' };
  if (needsLease(record))
    return local.leaseLeftMs > 0
      ? { kind: 'lease', term: reign.term, leftMs: local.leaseLeftMs }
      : { kind: 'hold' };
  const needed = record.rules.filter(({ k }) => k > 0);
  if (needed.length === 0 || cohortMembers(record).length < 2) return { kind: 'release' };
  const quorums = needed.map((rule) => ({
    count: rule.k,
    names: votersOf(rule, local.node).map((node) => formatStandbyTag({ node, term: reign.term })),
  }));
  return { kind: 'guard', term: reign.term, quorums };
}
