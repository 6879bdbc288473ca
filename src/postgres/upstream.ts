import { startCountdown, sleep, type Countdown, type TimeLimit } from '../system/clock.ts';
import type { Lineage } from '../core/lineage.ts';
import { BatonError } from '../lib/baton-error.ts';
import { sendSignal } from '../system/process.ts';
import { limitOf } from './configuration.ts';
import type { LocalWal } from './local-wal.ts';
import { queryFacts } from './observation-query.ts';
import { haveReread } from './process-attention.ts';
import { numberOf, optionalText, textOf } from './row.ts';
import type { Row, SqlSession } from './sql-session.ts';
import { lineageAt } from './timeline-history.ts';

// Where the startup process of a standby waits in loops that look for new settings.
const STARTUP_WAITS = [
  'RecoveryRetrieveRetryInterval',
  'RecoveryWalStream',
  'RecoveryWalAll',
  'RecoveryPause',
];

/** So many looks in a row must find no walreceiver. */
const QUIET_LOOKS = 3;

/**
 * Ends a standby's reception for good, when its settings without an upstream
 * are written and reloaded already, and returns the end of its WAL.
 *
 * The reload alone does not do it: the startup process ends the walreceiver
 * only when it next runs out of WAL, so with replay behind or paused it goes
 * on receiving and acknowledging. And while the startup process has not read
 * the settings, it may still ask for a new one under the old name.
 */
export async function cutUpstream(session: SqlSession, wal: LocalWal, limit: TimeLimit): Promise<Lineage> {
  const countdown = startCountdown(limit);
  let seen = await endReceivers(session, countdown);
  const isWaiting = async (): Promise<boolean> => {
    seen = await endReceivers(session, countdown);
    return STARTUP_WAITS.includes(seen.startupWaitsFor ?? '');
  };
  if (!(await haveReread(seen.startupPid, isWaiting, countdown, 'the startup process'))) {
    throw new BatonError('BATON_NOT_RUNNING', 'PostgreSQL stopped while its upstream was being cut');
  }
  // From here on no new one is asked for; one that was being forked shows within moments.
  let quiet = seen.hadReceiver ? 0 : 1;
  while (quiet < QUIET_LOOKS) {
    countdown.check('ending the walreceiver');
    await sleep(3);
    quiet = (await endReceivers(session, countdown)).hadReceiver ? 0 : quiet + 1;
  }
  return endOfWal(session, wal, countdown);
}

interface Reception {
  readonly startupPid: number;
  readonly startupWaitsFor: string | null;
  readonly hadReceiver: boolean;
}

/** Signals every walreceiver; pg_terminate_backend does not work on them. */
async function endReceivers(session: SqlSession, countdown: Countdown): Promise<Reception> {
  const text = `SELECT pid, backend_type, wait_event FROM pg_stat_activity
      WHERE backend_type IN ('startup', 'walreceiver')
    UNION SELECT pid, 'walreceiver', NULL FROM pg_stat_wal_receiver WHERE pid IS NOT NULL`;
  const rows = await session.query(text, [], limitOf(countdown));
  const startup = rows.find((row) => textOf(row, 'backend_type') === 'startup');
  const receivers = rows.filter((row) => row !== startup);
  for (const row of receivers) sendSignal(numberOf(row, 'pid'), 'SIGTERM');
  return {
    startupPid: startupPidOf(startup),
    startupWaitsFor: optionalText(startup, 'wait_event'),
    hadReceiver: receivers.length > 0,
  };
}

/** Without a receiver the end is exact at once when one had been there, else as soon as replay has run dry. */
async function endOfWal(session: SqlSession, wal: LocalWal, countdown: Countdown): Promise<Lineage> {
  for (;;) {
    const facts = await queryFacts(session, limitOf(countdown));
    const timeline = facts.endLsn === null ? undefined : await wal.newestTimeline(limitOf(countdown));
    if (timeline !== undefined) {
      const lsn = await wal.endOfStandby(facts, timeline, limitOf(countdown));
      if (lsn !== null)
        return lineageAt({ timeline, lsn }, await wal.historyOf(timeline, limitOf(countdown)));
    }
    countdown.check('replaying to the end of the local WAL');
    await sleep(5);
  }
}

/** The process that replays; throws BATON_REFUSED on a primary, which has none. */
export async function startupPid(session: SqlSession, countdown: Countdown): Promise<number> {
  const text = `SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'`;
  const [row] = await session.query(text, [], limitOf(countdown));
  return startupPidOf(row);
}

function startupPidOf(row: Row | undefined): number {
  if (!row) throw new BatonError('BATON_REFUSED', 'PostgreSQL is not a standby: it has no startup process');
  return numberOf(row, 'pid');
}
