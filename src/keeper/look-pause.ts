import { UNANSWERED_MS } from '../core/absence.ts';
import type { PostgresReport } from '../core/evidence.ts';

/** While something is on its way the keeper looks this often, ms. */
export const BUSY_TICK_MS = 50;
/** At rest it looks every so many heartbeats: a death is told by the held session, and silence by its age. */
const HEARTBEATS_PER_LOOK = 2;

/**
 * How long a keeper at rest may wait before it looks at its server again, ms.
 * A connection whose other end falls silent is looked at closely: when
 * PostgreSQL gives it up tells how long the silence has been.
 */
export function pauseAtRest({ upstream, followers }: PostgresReport, heartbeatMs: number): number {
  const silentMs = Math.max(upstream?.silentMs ?? 0, ...followers.map((each) => each.silentMs));
  if (silentMs > UNANSWERED_MS) return BUSY_TICK_MS;
  return Math.min(HEARTBEATS_PER_LOOK * heartbeatMs, UNANSWERED_MS - silentMs + BUSY_TICK_MS);
}
