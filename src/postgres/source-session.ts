import { readFileSync } from 'node:fs';
import type { ClientConfig } from 'pg';
import type { TimelineSwitch } from '../core/lineage.ts';
import type { Lsn } from '../core/lsn.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { TimeLimit } from '../system/clock.ts';
import type { SourceServer } from './postgres-server.ts';
import { booleanOf, numberOf, textOf } from './row.ts';
import { REPLICATION_ROLE } from './server-options.ts';
import type { ServerContext } from './server-context.ts';
import { openSession, sqlStateOf, type SqlSession } from './sql-session.ts';
import { historyFileName, parseHistory } from './timeline-history.ts';

/** What the server to copy from says of itself. */
export interface SourceState {
  readonly serverVersion: number;
  readonly inRecovery: boolean;
  readonly timeline: number;
  readonly history: readonly TimelineSwitch[];
  /** The end of its durable WAL. */
  readonly lsn: Lsn;
  /** Of its last checkpoint: behind {@link timeline} for a while after a promotion. */
  readonly checkpointTimeline: number;
}

/** Connects to another member as the replication role. The caller destroys the session. */
export function openSourceSession(
  context: ServerContext,
  source: SourceServer,
  limit: TimeLimit,
): Promise<SqlSession> {
  const { secrets } = context.options;
  return openSession(
    {
      host: source.host,
      port: source.port,
      user: REPLICATION_ROLE,
      database: 'postgres',
      password: secrets?.replicationPassword ?? null,
      applicationName: 'pgbaton_copy',
      ssl: tlsOptions(context),
    },
    limit,
  );
}

/** Reads the state of the source; throws BATON_SYSTEM_IDENTIFIER when it is not the server that is meant (I11). */
export async function readSourceState(
  session: SqlSession,
  source: SourceServer,
  limit: TimeLimit,
): Promise<SourceState> {
  const [row] = await session.query(
    `SELECT system_identifier::text AS identifier, pg_is_in_recovery() AS in_recovery,
      current_setting('server_version_num')::int AS version, control.timeline_id AS checkpoint_timeline,
      CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END::text AS lsn,
      CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_flush_lsn()) END AS segment
     FROM pg_control_system(), pg_control_checkpoint() AS control`,
    [],
    limit,
  );
  const identifier = textOf(row, 'identifier');
  if (identifier !== source.systemIdentifier) {
    throw new BatonError(
      'BATON_SYSTEM_IDENTIFIER',
      `the server at "${source.host}" port ${source.port} is another one`,
      {
        detail: `Its system identifier is ${identifier}; the group's is ${source.systemIdentifier}.`,
      },
    );
  }
  const checkpointTimeline = numberOf(row, 'checkpoint_timeline');
  const inRecovery = booleanOf(row, 'in_recovery');
  const timeline = inRecovery ? checkpointTimeline : Number.parseInt(textOf(row, 'segment').slice(0, 8), 16);
  return {
    serverVersion: numberOf(row, 'version'),
    inRecovery,
    timeline,
    history: await readSourceHistory(session, timeline, limit),
    lsn: textOf(row, 'lsn'),
    checkpointTimeline,
  };
}

/** Makes the slot that keeps the WAL which the copy needs, unless it is there. */
export async function provideSourceSlot(session: SqlSession, slot: string, limit: TimeLimit): Promise<void> {
  const found = await session.query('SELECT 1 FROM pg_replication_slots WHERE slot_name = $1', [slot], limit);
  if (found.length > 0) return;
  try {
    await session.query('SELECT pg_create_physical_replication_slot($1, true)', [slot], limit);
  } catch (error) {
    // The source's own keeper was faster.
    if (sqlStateOf(error) !== '42710') throw error;
  }
}

/** Part of a WAL segment of the source; undefined when it does not have that segment any more. */
export async function readSourceWal(
  session: SqlSession,
  segment: string,
  offsetBytes: number,
  lengthBytes: number,
  limit: TimeLimit,
): Promise<Buffer | undefined> {
  const [row] = await session.query(
    'SELECT pg_read_binary_file($1, $2::bigint, $3::bigint, true) AS content',
    [`pg_wal/${segment}`, offsetBytes, lengthBytes],
    limit,
  );
  const content = row?.['content'];
  return Buffer.isBuffer(content) ? content : undefined;
}

async function readSourceHistory(
  session: SqlSession,
  timeline: number,
  limit: TimeLimit,
): Promise<readonly TimelineSwitch[]> {
  if (timeline === 1) return [];
  const path = `pg_wal/${historyFileName(timeline)}`;
  const [row] = await session.query('SELECT pg_read_binary_file($1) AS content', [path], limit);
  const content = row?.['content'];
  return parseHistory(Buffer.isBuffer(content) ? content.toString('utf8') : '');
}

/** As the conninfo of the other connections between members: certificates are checked where there is a CA. */
function tlsOptions({ options }: ServerContext): ClientConfig['ssl'] {
  const { ssl } = options;
  if (ssl.mode === 'off') return false;
  if (ssl.caFile === undefined) return { rejectUnauthorized: false };
  // verify-ca: members are known by address, and certificates may name them otherwise.
  return { ca: readFileSync(ssl.caFile, 'utf8'), checkServerIdentity: () => undefined };
}
