import type { Evidence, Report } from './evidence.ts';
import { cohortMembers, type GroupRecord, type Position, type Rule } from './group-record.ts';
import { lagBytes } from './lsn.ts';

/**
 * Commits stand on the holder alone, though others follow that may be promoted:
 * no quorum keeps a second primary away, so a lease has to.
 */
export function isAsyncRule({ cohort, k }: Rule): boolean {
  return k === 0 && cohort.length > 1;
}

/**
 * Whether the holder has to have a lease. From the first step towards such a
 * rule on until the last one away from it: nobody is promoted without its
 * pledge while two rules are in force, so it has the time to ask for one.
 */
export function needsLease(record: GroupRecord): boolean {
  return record.rules.some(isAsyncRule) || isReadStrictly(record);
}

/** Alone, it can be superseded only with its own pledge. */
function isReadStrictly(record: GroupRecord): boolean {
  return record.settings.reads === 'strict' && cohortMembers(record).length > 1;
}

/** Whether the node that sent a report may be given the lease of this term. */
export function mayHoldLease(record: GroupRecord, { node }: Pick<Report, 'node'>, term: number): boolean {
  const { reign, intent } = record;
  const isGivenUp = intent !== null && intent.stage !== 'drain';
  return needsLease(record) && reign?.holder === node && reign.term === term && !isGivenUp;
}

/** Whether the group may go on from a member that need not have every commit. Never while the rule changes. */
export function mayLoseCommits({ rules }: GroupRecord): boolean {
  return rules.length === 1 && rules.every(isAsyncRule);
}

/**
 * Whether the store has been seen to have no lease; that it must have ended by
 * now is no proof. One that was made anew since has none either: a decider
 * waits for as long as one of the lost store may last.
 */
export function isLeaseOver({ settings }: GroupRecord, { lease }: Evidence): boolean {
  return lease !== undefined && lease.term === null && lease.storeAgeMs >= settings.leaseMs;
}

/** How much of what the holder last told a node lacks that has this WAL, bytes; null when nobody can tell. */
export function lackBytes({ lastKnownEnd }: Evidence, position: Position | null): number | null {
  if (lastKnownEnd === undefined || position?.timeline !== lastKnownEnd.timeline) return null;
  return Math.max(0, lagBytes(lastKnownEnd.lsn, position.lsn));
}

/** Whether a node with this WAL lacks no more than an automatic failover may lose. */
export function isCloseEnough(record: GroupRecord, evidence: Evidence, position: Position | null): boolean {
  const lack = lackBytes(evidence, position);
  return lack !== null && lack <= record.settings.maximumLagOnFailover;
}

/** The share of a lease that is left for ending the server: drift of the clocks, and a stop that has to be forced. */
const CLOSING_SHARE = 1 / 3;
/** Renewed this well, a lease is nothing to worry about. */
const FRESH_SHARE = 2 / 3;

/** Whether a primary with so much of its lease left has to be ended. */
export function isLeaseRunningOut({ settings }: GroupRecord, leftMs: number): boolean {
  return leftMs <= settings.leaseMs * CLOSING_SHARE;
}

/** How long until then, ms. */
export function closesInMs({ settings }: GroupRecord, leftMs: number): number {
  return leftMs - settings.leaseMs * CLOSING_SHARE;
}

/** Whether the store has missed enough renewals for the members to be asked. */
export function isLeaseStale({ settings }: GroupRecord, leftMs: number): boolean {
  return leftMs <= settings.leaseMs * FRESH_SHARE;
}
