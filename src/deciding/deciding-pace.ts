import type { GroupRecord } from '../core/group-record.ts';
import type { EvidenceBook } from './evidence-book.ts';

/** How often time is looked at: a lost host is noticed so much after the detection time, ms. */
export const TICK_MS = 100;

/** For how long a delay of its own process makes a decider careful, ms. */
export const LAG_WINDOW_MS = 3_000;

/** More decisions than this written in one run can only be rules that undo each other. */
export const DECISIONS_PER_RUN = 20;

/** How many decisions of one run others may be faster than, before the next report or tick is waited for. */
export const OVERTAKEN_PER_RUN = 20;

/**
 * For how long the events of a change of reign wait for a decision that takes
 * them along, ms: clients would wait while they are written on their own.
 */
export const TAKEN_ALONG_MS = 1_000;

/** A node that was heard of longer ago needs to be looked at between reports, ms. */
const FRESH_MS = 1_000;

/** How long time alone can't change what is decided, ms: until then only a report or a request can. */
export function dueInMs(record: GroupRecord, book: Pick<EvidenceBook, 'reportAgeMs'>): number {
  if (record.nodes.length === 0) return Infinity;
  if (record.intent !== null) return 0;
  let oldestMs = 0;
  for (const { id } of record.nodes) oldestMs = Math.max(oldestMs, book.reportAgeMs(id) ?? Infinity);
  return Math.max(0, FRESH_MS - oldestMs);
}

/** From the decision to change it until the new holder lets clients in. */
export function isChangingReign({ intent, reign }: GroupRecord): boolean {
  return intent !== null || reign?.confirmed === false;
}
