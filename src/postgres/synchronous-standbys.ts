import { sleep, startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import { NOBODY } from './managed-settings.ts';
import { booleanOf, textOf } from './row.ts';
import type { Sessions } from './sessions.ts';
import type { SqlSession } from './sql-session.ts';
import { beginCommit, EMPTY_COMMIT, nudgeWaiters, seenWaiting } from './waiting-commit.ts';

/** What changing the names needs of the server around it. */
export interface StandbyNamesParts {
  readonly sessions: Sessions;
  /** Writes the names into the settings and returns when this server's sessions show them. */
  readonly putInForce: (standbyNames: string, limit: TimeLimit) => Promise<void>;
}

/**
 * Brings `synchronous_standby_names` into force on a primary; see
 * {@link PostgresServer.applySynchronousStandbys}. May be called again after it
 * failed at any point.
 *
 * A reload is only a signal: for some ms, during a checkpoint for as long as
 * that takes, commits are still acknowledged by the names before. So each kind
 * of change has its barrier, tried in docs/adr and in the integration tests.
 */
export async function applySynchronousStandbys(
  parts: StandbyNamesParts,
  names: string,
  limit: TimeLimit,
): Promise<string> {
  const countdown = startCountdown(limit);
  const session = await parts.sessions.held(limitOf(countdown));
  const present = await namesNow(session, countdown);
  if (needsUnsatisfiable(present, names)) {
    await parts.putInForce(NOBODY, limitOf(countdown));
    await commitsWait(parts, session, countdown);
    await oldNamesGone(session, NOBODY, countdown);
  }
  await parts.putInForce(names, limitOf(countdown));
  if (names !== '') {
    await oldNamesGone(session, names, countdown);
    await nudgeWaiters(session, limitOf(countdown));
  }
  // Every acknowledged commit was flushed here first, so none of the old names' lies behind this.
  const [row] = await session.query('SELECT pg_current_wal_flush_lsn()::text AS lsn', [], limitOf(countdown));
  return textOf(row, 'lsn');
}

/**
 * From no names to some: backends learn from the checkpointer that commits have
 * to wait, and it may be busy; with real names it could not be seen when they
 * do. With more acknowledgements wanted from the same standbys: each walsender
 * counts for itself, and none shows which number it goes by.
 */
function needsUnsatisfiable(present: string, wanted: string): boolean {
  if (wanted === '' || present === wanted) return false;
  if (present === '' || present === NOBODY) return true;
  return numberWanted(wanted) > numberWanted(present);
}

function numberWanted(names: string): number {
  return Number(/^ANY (\d+)/.exec(names)?.[1] ?? 1);
}

/** Proves that a commit which starts now waits, by trying until one does. */
async function commitsWait(
  parts: StandbyNamesParts,
  observer: SqlSession,
  countdown: Countdown,
): Promise<void> {
  for (;;) {
    const probe = beginCommit(await parts.sessions.open(limitOf(countdown)), EMPTY_COMMIT);
    if (await seenWaiting(probe, observer, countdown)) return;
    // An error of the probe itself must not be taken for a commit that got through.
    await probe.acknowledged;
    countdown.check('bringing synchronous replication into force');
  }
}

/**
 * Waits until no walsender counts that should not: priority is each walsender's
 * own view. One that hangs keeps the barrier shut, which is the safe side.
 */
async function oldNamesGone(session: SqlSession, names: string, countdown: Countdown): Promise<void> {
  const wanted = [...names.matchAll(/"([^"]+)"/g)].map((match) => (match[1] ?? '').toLowerCase());
  const text = `SELECT NOT EXISTS (
    SELECT FROM pg_stat_replication WHERE sync_priority > 0 AND lower(application_name) <> ALL ($1)) AS gone`;
  for (;;) {
    const [row] = await session.query(text, [wanted], limitOf(countdown));
    if (booleanOf(row, 'gone')) return;
    countdown.check('waiting until the former synchronous standbys no longer count');
    await sleep(2);
  }
}

async function namesNow(session: SqlSession, countdown: Countdown): Promise<string> {
  const text = `SELECT current_setting('synchronous_standby_names') AS names`;
  const [row] = await session.query(text, [], limitOf(countdown));
  return textOf(row, 'names');
}
