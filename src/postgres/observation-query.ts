import { parseStandbyTag } from '../core/application-name.ts';
import type { Follower } from '../core/evidence.ts';
import { maxLsn, type Lsn } from '../core/lsn.ts';
import type { TimeLimit } from '../system/clock.ts';
import { DIGEST_SETTING, READ_ONLY_SETTING } from './managed-settings.ts';
import { booleanOf, optionalNumber, optionalText, textOf } from './row.ts';
import { REPLICATION_ROLE } from './server-options.ts';
import { sqlStateOf, type Row, type SqlSession } from './sql-session.ts';

/** What a running server says of itself in one query. */
export interface ServerFacts {
  readonly inRecovery: boolean;
  /** Of a primary: what is durable; of a standby: the exact end of its WAL, null while that is not certain. */
  readonly endLsn: Lsn | null;
  /** Of a primary only. */
  readonly timeline: number | null;
  /** Of a primary: there is WAL that is not durable, and a process waits for the disk to take it. */
  readonly walWaits: boolean;
  readonly replayLsn: Lsn | null;
  readonly receiveLsn: Lsn | null;
  readonly synchronousStandbyNames: string;
  readonly readOnly: boolean;
  readonly settingsDigest: string | null;
  readonly receiverRunning: boolean;
  readonly receiver: ReceiverFacts | null;
  readonly followers: readonly FollowerFacts[];
}

export interface FollowerFacts extends Omit<Follower, 'silentMs'> {
  /** Changes with every message from the standby. */
  readonly lifeSign: string;
}

export interface ReceiverFacts {
  readonly host: string;
  readonly port: number;
  readonly applicationName: string;
  /** Changes with every message from the upstream. */
  readonly lifeSign: string;
}

// In a standby's startup process: it has replayed all that there is and waits for more.
const RAN_DRY = ['RecoveryRetrieveRetryInterval', 'RecoveryWalStream', 'RecoveryWalAll'];

// Of somebody who writes WAL out; version 17 spells them in another way.
const WAL_WAITS = `'walwrite', 'walsync', 'walinitwrite', 'walinitsync'`;

// The order matters: the startup process is looked at before the replay position, so that "ran dry"
// is older than the position that is taken for the end.
const FACTS = `
  SELECT
    (SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup') AS startup_waits_for,
    pg_is_in_recovery() AS in_recovery,
    CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn()::text END AS flush_lsn,
    CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8) END AS timeline,
    CASE WHEN pg_is_in_recovery() THEN false
      WHEN pg_current_wal_insert_lsn() = pg_current_wal_flush_lsn() THEN false
      ELSE EXISTS (SELECT FROM pg_stat_activity WHERE lower(wait_event) IN (${WAL_WAITS}))
    END AS wal_waits,
    pg_last_wal_receive_lsn()::text AS receive_lsn,
    pg_last_wal_replay_lsn()::text AS replay_lsn,
    current_setting('synchronous_standby_names') AS standby_names,
    current_setting('${READ_ONLY_SETTING}', true) AS read_only,
    current_setting('${DIGEST_SETTING}', true) AS digest,
    EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'walreceiver') AS receiver_running,
    receiver.status AS receiver_status, receiver.sender_host, receiver.sender_port, receiver.conninfo,
    concat_ws(' ', receiver.last_msg_receipt_time, receiver.flushed_lsn, receiver.pid) AS life_sign,
    (SELECT json_agg(json_build_object(
        'name', application_name, 'state', state, 'flush', flush_lsn, 'replay', replay_lsn, 'priority', sync_priority,
        'life_sign', concat_ws(' ', reply_time, flush_lsn, pid)))
      FROM pg_stat_replication WHERE usename = '${REPLICATION_ROLE}') AS followers
  FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver AS receiver ON true`;

export async function queryFacts(session: SqlSession, limit: TimeLimit): Promise<ServerFacts> {
  const [row] = await session.query(FACTS, [], limit, 'facts');
  const inRecovery = booleanOf(row, 'in_recovery');
  const receiveLsn = optionalText(row, 'receive_lsn');
  const replayLsn = optionalText(row, 'replay_lsn');
  const timeline = optionalText(row, 'timeline');
  return {
    inRecovery,
    endLsn: inRecovery ? endOfStandby(row, receiveLsn, replayLsn) : optionalText(row, 'flush_lsn'),
    timeline: timeline === null ? null : Number.parseInt(timeline, 16),
    walWaits: booleanOf(row, 'wal_waits'),
    replayLsn,
    receiveLsn,
    synchronousStandbyNames: textOf(row, 'standby_names'),
    readOnly: optionalText(row, 'read_only') === 'on',
    settingsDigest: optionalText(row, 'digest'),
    receiverRunning: booleanOf(row, 'receiver_running'),
    receiver: receiverOf(row),
    followers: followersOf(row?.['followers']),
  };
}

/**
 * A receive position exists only once a walreceiver has been asked for, and
 * that happens when replay has run dry; but it starts at the beginning of a
 * segment. So with one, the later of the two positions is exact, and without
 * one the replay position is, once replay has run dry.
 */
function endOfStandby(row: Row | undefined, receiveLsn: Lsn | null, replayLsn: Lsn | null): Lsn | null {
  if (replayLsn === null) return null;
  if (receiveLsn !== null) return maxLsn(receiveLsn, replayLsn);
  return RAN_DRY.includes(optionalText(row, 'startup_waits_for') ?? '') ? replayLsn : null;
}

function receiverOf(row: Row | undefined): ReceiverFacts | null {
  const host = optionalText(row, 'sender_host');
  const port = optionalNumber(row, 'sender_port');
  if (host === null || port === null || optionalText(row, 'receiver_status') !== 'streaming') return null;
  const applicationName = /application_name='?([^' ]+)/.exec(optionalText(row, 'conninfo') ?? '')?.[1] ?? '';
  return { host, port, applicationName, lifeSign: textOf(row, 'life_sign') };
}

const STATES = ['startup', 'catchup', 'streaming', 'backup', 'stopping'] as const;

function followersOf(value: unknown): readonly FollowerFacts[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: Record<string, unknown>) => {
    const tag = parseStandbyTag(String(entry['name']));
    const state = STATES.find((known) => known === entry['state']);
    if (!tag || !state) return [];
    return [
      {
        ...tag,
        state,
        flushLsn: (entry['flush'] as Lsn | null) ?? null,
        replayLsn: (entry['replay'] as Lsn | null) ?? null,
        syncPriority: Number(entry['priority'] ?? 0),
        lifeSign: String(entry['life_sign']),
      },
    ];
  });
}

/** The term of the last marker; null when there is none, undefined when it could not be read just now. */
export async function queryMarkerTerm(
  session: SqlSession,
  limit: TimeLimit,
): Promise<number | null | undefined> {
  try {
    const text = 'SELECT max(term)::text AS term FROM pgbaton.reign';
    const [row] = await session.query(text, [], limit, 'marker_term');
    return optionalNumber(row, 'term');
  } catch (error) {
    const state = sqlStateOf(error);
    // No such schema or table: nothing of pgbaton has reached this server's WAL yet.
    if (state === '42P01' || state === '3F000') return null;
    // Locked by somebody, or cancelled because replay had to go on.
    if (state === '55P03' || state === '40001' || state === '57014') return undefined;
    throw error;
  }
}
