import type { Evidence, Follower } from './evidence.ts';
import type { GroupRecord, NodeId } from './group-record.ts';
import { liveReport } from './live-report.ts';

/**
 * `wal_sender_timeout` of every server, ms: a walsender ends when it has heard
 * nothing from its standby for so long. After half of it, it asks.
 */
export const WAL_SENDER_TIMEOUT_MS = 3_000;

/** With nothing written nobody says anything unasked. Who is silent for longer has not answered: the way takes some time, too, ms. */
export const UNANSWERED_MS = WAL_SENDER_TIMEOUT_MS / 2 + 250;

/** Whether a standby has left no question of its walsender without an answer. */
export function isAnswering({ silentMs }: Pick<Follower, 'silentMs'>): boolean {
  return silentMs <= UNANSWERED_MS;
}

/** Whether the holder has been without a standby for the detection time. */
export function isAway(record: GroupRecord, evidence: Evidence, node: NodeId): boolean {
  const awayMs = evidence.notStreaming.find((each) => each.node === node)?.ageMs ?? 0;
  const waitedMs = isLost(record, evidence, node) ? WAL_SENDER_TIMEOUT_MS : 0;
  return waitedMs + awayMs >= record.settings.detectionMs;
}

/**
 * Whether a standby was silent for all the time for which its walsender waited,
 * and something else confirms that the connection is gone: its keeper is silent
 * too, or its walreceiver has given up. One that waits for its disk answers as
 * little, but its keeper does, and its walreceiver does not give up: it has the
 * detection time from the end of its walsender on.
 */
function isLost(record: GroupRecord, evidence: Evidence, node: NodeId): boolean {
  const { reign } = record;
  const holder = reign === null ? undefined : liveReport(record, evidence, reign.holder);
  const fellSilent = evidence.notStreaming.some((each) => each.node === node && each.fellSilent);
  if (!fellSilent || holder === undefined) return false;
  if (holder.postgres.followers.some((each) => each.node === node && each.term === reign?.term)) return false;
  const standby = liveReport(record, evidence, node)?.postgres;
  return standby === undefined || (standby.status === 'running' && standby.upstream === null);
}
