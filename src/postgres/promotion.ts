import type { Lineage } from '../core/lineage.ts';
import { BatonError } from '../lib/baton-error.ts';
import { sleep, startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import { sendSignal } from '../system/process.ts';
import { limitOf } from './configuration.ts';
import type { LocalWal } from './local-wal.ts';
import { queryFacts } from './observation-query.ts';
import { placePlaceholders, removePlaceholders } from './placeholders.ts';
import { booleanOf } from './row.ts';
import type { ServerContext } from './server-context.ts';
import type { SqlSession } from './sql-session.ts';
import { placeStandbySignal } from './standby-signal.ts';
import { startupPid } from './upstream.ts';

const POLL_MS = 5;
const NUDGE_MS = 10;

/**
 * Promotes a standby onto a timeline and returns when it is out of recovery.
 * Throws BATON_REFUSED when it is none, BATON_TIMEOUT when it is still
 * replaying: it may become primary at any time then.
 */
export async function leaveStandbyRole(
  context: ServerContext,
  session: SqlSession,
  wal: LocalWal,
  timeline: number,
  limit: TimeLimit,
): Promise<void> {
  const countdown = startCountdown(limit);
  const startup = await startupPid(session, countdown);
  const present = (await wal.newestTimeline(limitOf(countdown))) ?? 1;
  if (timeline <= present) {
    throw new BatonError(
      'BATON_REFUSED',
      `timeline ${timeline} has been used: the WAL here is on ${present}`,
    );
  }
  await placePlaceholders(context, present, timeline, limitOf(countdown));
  try {
    // It waits 100 ms between two looks when it is asked to wait itself.
    await session.query('SELECT pg_promote(false)', [], limitOf(countdown));
    await leaveRecovery(session, startup, countdown);
  } catch (error) {
    await removePlaceholders(context, { timeoutMs: 2_000 }).catch((cause: unknown) =>
      context.log('could not remove placeholder history files', { cause: String(cause) }),
    );
    throw error;
  }
}

/** What has time until the promoted server's clients have been served; returns where its WAL stands. */
export async function settlePromotion(
  context: ServerContext,
  session: SqlSession,
  wal: LocalWal,
  limit: TimeLimit,
): Promise<Lineage> {
  const countdown = startCountdown(limit);
  const [lineage] = await Promise.all([
    lineageOfPrimary(session, wal, countdown),
    placeStandbySignal(context, limitOf(countdown)),
  ]);
  return lineage;
}

/**
 * A startup process that meets the request while a walreceiver is being forked
 * goes to sleep for the whole retry interval, with its wake-up used up. Any
 * SIGHUP wakes it.
 */
async function leaveRecovery(session: SqlSession, startup: number, countdown: Countdown): Promise<void> {
  let nextNudgeMs = countdown.remainingMs();
  for (;;) {
    if (countdown.remainingMs() <= nextNudgeMs) {
      sendSignal(startup, 'SIGHUP');
      nextNudgeMs = countdown.remainingMs() - NUDGE_MS;
    }
    const [row] = await session.query('SELECT pg_is_in_recovery() AS in_recovery', [], limitOf(countdown));
    if (!booleanOf(row, 'in_recovery')) return;
    countdown.check('the promotion');
    await sleep(POLL_MS);
  }
}

async function lineageOfPrimary(session: SqlSession, wal: LocalWal, countdown: Countdown): Promise<Lineage> {
  const { endLsn, timeline } = await queryFacts(session, limitOf(countdown));
  if (endLsn === null || timeline === null) {
    throw new BatonError('BATON_INTERNAL', 'a promoted server does not tell the end of its WAL');
  }
  const history = await wal.historyOf(timeline, limitOf(countdown));
  return { position: { timeline, lsn: endLsn }, history };
}
