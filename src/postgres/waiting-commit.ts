import { waitFor, type Countdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import { optionalText } from './row.ts';
import type { SqlSession } from './sql-session.ts';

/** Longer than any server lives: for statements whose commits may wait as long as the standbys let them. */
const UNLIMITED: TimeLimit = { timeoutMs: 2 ** 31 - 1 };

/** A commit that is under way in a session of its own. */
export interface WaitingCommit {
  /** Resolves when the standbys have acknowledged it; rejects when the session ended before. */
  readonly acknowledged: Promise<void>;
  readonly session: SqlSession;
}

/**
 * Commits statements so that they wait for the synchronous standbys, and does
 * not stop waiting: a cancelled or terminated wait makes PostgreSQL acknowledge
 * a commit that no standby has. The session goes when the commit is done.
 */
export function beginCommit(
  session: SqlSession,
  text: string,
  values: readonly unknown[] = [],
): WaitingCommit {
  const work = async (): Promise<void> => {
    try {
      await session.query('SET synchronous_commit = on', [], UNLIMITED);
      await session.query(text, values, UNLIMITED);
    } finally {
      session.destroy();
    }
  };
  const acknowledged = work();
  // Whoever waits for it sees the failure; nobody may be waiting any more.
  acknowledged.catch(() => undefined);
  return { acknowledged, session };
}

/** A commit that writes WAL, touches no table and so waits for no lock of another one that waits. */
export const EMPTY_COMMIT = `SELECT pg_logical_emit_message(true, 'pgbaton', 'commit')`;

/**
 * Ends the waits of commits that the present standbys have acknowledged
 * already: they are looked at again only when some standby reports something
 * new, and idle standbys report every ten seconds.
 */
export async function nudgeWaiters(session: SqlSession, limit: TimeLimit): Promise<void> {
  // The keeper's sessions commit with synchronous_commit = local, so this waits for nobody.
  await session.query(EMPTY_COMMIT, [], limit);
}

/** Returns once a commit is seen to wait for the standbys; false when it got through instead. */
export async function seenWaiting(
  commit: WaitingCommit,
  observer: SqlSession,
  countdown: Countdown,
): Promise<boolean> {
  let through = false;
  const noteEnd = (): void => void (through = true);
  commit.acknowledged.then(noteEnd, noteEnd);
  return waitFor('a commit to wait for the standbys', countdown, 2, async () => {
    const text = 'SELECT wait_event FROM pg_stat_activity WHERE pid = $1';
    const [row] = await observer.query(text, [commit.session.backendPid], limitOf(countdown));
    if (optionalText(row, 'wait_event') === 'SyncRep') return true;
    return through ? false : undefined;
  });
}
