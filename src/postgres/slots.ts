import { slotName } from '../core/application-name.ts';
import type { NodeId } from '../core/group-record.ts';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import { booleanOf, textOf } from './row.ts';
import { sqlStateOf, type SqlSession } from './sql-session.ts';

/** A slot that nobody reads from is moved on when it lags more than this. */
const IDLE_LAG_BYTES = 64 * 1024 * 1024;

const OBJECT_IN_USE = '55006';
const DUPLICATE_OBJECT = '42710';

/** Keeps exactly one physical slot for each of the nodes; see {@link PostgresServer.maintainSlots}. */
export async function maintainSlots(
  session: SqlSession,
  nodes: readonly NodeId[],
  limit: TimeLimit,
): Promise<void> {
  const countdown = startCountdown(limit);
  const wanted = new Set(nodes.map(slotName));
  const rows = await session.query(
    `SELECT slot_name::text AS name, active, coalesce(wal_status = 'lost', false) AS lost, pg_is_in_recovery() AS idle_side
     FROM pg_replication_slots WHERE slot_type = 'physical' AND slot_name ~ '^pgbaton_[0-9]+$'`,
    [],
    limitOf(countdown),
  );
  for (const row of rows) {
    const name = textOf(row, 'name');
    const lost = booleanOf(row, 'lost');
    if (booleanOf(row, 'active') || (wanted.has(name) && !lost)) {
      wanted.delete(name);
      continue;
    }
    await ignoring(
      OBJECT_IN_USE,
      session.query('SELECT pg_drop_replication_slot($1)', [name], limitOf(countdown)),
    );
  }
  for (const name of wanted) {
    // Reserved at once: before the slot exists, WAL that the member needs can vanish.
    const text = 'SELECT pg_create_physical_replication_slot($1, true)';
    await ignoring(DUPLICATE_OBJECT, session.query(text, [name], limitOf(countdown)));
  }
  if (rows.some((row) => booleanOf(row, 'idle_side'))) await moveIdleSlots(session, limitOf(countdown));
}

/**
 * On a standby nobody reads from the slots until it is promoted, and they would
 * keep all WAL since they were made. What the last restartpoint needs is kept
 * anyway; a member that lags more than that and wal_keep_size is copied anew.
 */
async function moveIdleSlots(session: SqlSession, limit: TimeLimit): Promise<void> {
  const text = `SELECT pg_replication_slot_advance(slot_name, redo_lsn)
    FROM pg_replication_slots, pg_control_checkpoint()
    WHERE slot_type = 'physical' AND slot_name ~ '^pgbaton_[0-9]+$' AND NOT active
      AND redo_lsn - restart_lsn > ${IDLE_LAG_BYTES}`;
  await ignoring(OBJECT_IN_USE, session.query(text, [], limit));
}

/** Somebody else was faster; what was wanted is the case or will be tried again. */
async function ignoring(sqlState: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (sqlStateOf(error) !== sqlState) throw error;
  }
}
