import { startCountdown } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import { createMarkerWriter } from './marker.ts';
import type { PostgresServer } from './postgres-server.ts';
import { textOf } from './row.ts';
import { leaveStandbyRole, settlePromotion } from './promotion.ts';
import type { ServerParts } from './server-parts.ts';
import type { SettingsControl } from './settings-control.ts';
import { maintainSlots } from './slots.ts';
import { sqlStateOf } from './sql-session.ts';
import { applySynchronousStandbys } from './synchronous-standbys.ts';
import { cutUpstream } from './upstream.ts';

type ReignCalls =
  | 'cutUpstream'
  | 'promote'
  | 'applySynchronousStandbys'
  | 'writeMarker'
  | 'writeSign'
  | 'maintainSlots'
  | 'checkpoint';

/** Committed, so that it is flushed and sent at once. */
const SIGN = `SELECT pg_logical_emit_message(true, 'pgbaton', 'sign')::text AS lsn`;

const INSUFFICIENT_PRIVILEGE = '42501';

/** The calls that a running server's part in the group consists of. */
export function createServerReign(parts: ServerParts): Pick<PostgresServer, ReignCalls> {
  const { context, sessions, configuration, settings, wal } = parts;
  const { now } = context.options;
  const markers = createMarkerWriter(sessions);
  const putInForce: SettingsControl['putInForce'] = (names, limit) => settings.putInForce(names, limit);

  return {
    async cutUpstream(call) {
      const countdown = startCountdown(call, now);
      return cutUpstream(await sessions.held(limitOf(countdown)), wal, limitOf(countdown));
    },

    async promote(timeline, call, { settings: wanted, settingsBehindMarker: next, onPromoted } = {}) {
      const countdown = startCountdown(call, now);
      const session = await sessions.held(limitOf(countdown));
      if (wanted !== undefined) configuration.desire(wanted);
      // Until the names are in force the unsatisfiable ones of a standby are, and nothing is acknowledged.
      const names = configuration.desired()?.synchronousStandbyNames;
      const outcomes = await Promise.allSettled([
        leaveStandbyRole(context, session, wal, timeline, limitOf(countdown)),
        names === undefined ? undefined : putInForce(names, limitOf(countdown)),
        markers.prepare(limitOf(countdown)),
      ]);
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) {
        markers.discard();
        throw failed.reason;
      }
      onPromoted?.();
      const lineage = await settlePromotion(context, session, wal, limitOf(countdown));
      if (next !== undefined)
        await configuration.write(next.synchronousStandbyNames, limitOf(countdown), next);
      return lineage;
    },

    applySynchronousStandbys(names, call) {
      const desired = configuration.desired();
      if (desired) configuration.desire({ ...desired, synchronousStandbyNames: names });
      return applySynchronousStandbys({ sessions, putInForce }, names, call);
    },

    writeMarker: (marker, call) => markers.write(marker, call),

    async writeSign(call) {
      const countdown = startCountdown(call, now);
      const session = await sessions.held(limitOf(countdown));
      const [row] = await session.query(SIGN, [], limitOf(countdown));
      return textOf(row, 'lsn');
    },

    async maintainSlots(nodes, call) {
      const countdown = startCountdown(call, now);
      await maintainSlots(await sessions.held(limitOf(countdown)), nodes, limitOf(countdown));
    },

    async checkpoint(call) {
      const countdown = startCountdown(call, now);
      // In a session of its own: it may take minutes, and others need the held one.
      const session = await sessions.open(limitOf(countdown));
      try {
        await session.query('CHECKPOINT', [], limitOf(countdown));
      } catch (error) {
        // Before version 15 only superusers may.
        if (sqlStateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
        await sessions.asSuperuser(limitOf(countdown), (superuser) =>
          superuser.query('CHECKPOINT', [], limitOf(countdown)),
        );
      } finally {
        session.destroy();
      }
    },
  };
}
