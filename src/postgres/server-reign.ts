import { startCountdown } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import { createMarkerWriter } from './marker.ts';
import type { PostgresServer } from './postgres-server.ts';
import { promote } from './promotion.ts';
import type { ServerParts } from './server-parts.ts';
import type { SettingsControl } from './settings-control.ts';
import { maintainSlots } from './slots.ts';
import { sqlStateOf } from './sql-session.ts';
import { applySynchronousStandbys } from './synchronous-standbys.ts';
import { cutUpstream } from './upstream.ts';

type ReignCalls =
  'cutUpstream' | 'promote' | 'applySynchronousStandbys' | 'writeMarker' | 'maintainSlots' | 'checkpoint';

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

    async promote(timeline, call) {
      const countdown = startCountdown(call, now);
      const session = await sessions.held(limitOf(countdown));
      const desired = configuration.desired();
      // A standby without voters to name holds an unsatisfiable one, and so would the new primary.
      if (desired?.synchronousStandbyNames === '') await putInForce('', limitOf(countdown));
      return promote(context, session, wal, timeline, limitOf(countdown));
    },

    applySynchronousStandbys(names, call) {
      const desired = configuration.desired();
      if (desired) configuration.desire({ ...desired, synchronousStandbyNames: names });
      return applySynchronousStandbys({ sessions, putInForce }, names, call);
    },

    writeMarker: (marker, call) => markers.write(marker, call),

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
