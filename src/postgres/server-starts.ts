import { BatonError } from '../lib/baton-error.ts';
import { startCountdown, waitFor, type Countdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import { readControlData } from './control-data.ts';
import { checkDataDirectory } from './data-directory.ts';
import { removePlaceholders } from './placeholders.ts';
import type { PostgresServer } from './postgres-server.ts';
import { provideDatabase, provideRoles } from './roles.ts';
import { isWhole, readSentinel, removeSentinel } from './sentinel.ts';
import type { ServerContext } from './server-context.ts';
import { KEEPER_ROLE } from './server-options.ts';
import type { ServerParts } from './server-parts.ts';
import { QUIET_SETTINGS } from './settings-control.ts';
import { sqlStateOf } from './sql-session.ts';
import { placeStandbySignal, removeStandbySignal } from './standby-signal.ts';

/** The ways in which a server is started and stopped. */
export interface ServerStarts {
  readonly start: PostgresServer['start'];
  readonly stop: PostgresServer['stop'];
  /** As a primary that only this machine reaches, to be set up. */
  startAlone(limit: TimeLimit): Promise<void>;
  /**
   * Starts a crashed server as a standby without an upstream and stops it
   * again. False when it does not become consistent with the WAL that is here.
   */
  recover(limit: TimeLimit): Promise<boolean>;
}

/** On the command line, so that it wins over the settings, which are to be right for the time after. */
const NOBODY_FROM_OUTSIDE = '-c listen_addresses=';

/** Crash recovery replays what was written since the last checkpoint; what takes longer waits for WAL that is not here. */
const RECOVERY_LIMIT_MS = 10 * 60_000;

export function createServerStarts(parts: ServerParts): ServerStarts {
  const { context, process, sessions, configuration, settings } = parts;
  const { now } = context.options;

  const stop: ServerStarts['stop'] = async (mode, call) => {
    sessions.drop();
    await process.stop(mode, call);
    // One that was opened while the server went down belongs to no server any more.
    sessions.drop();
  };

  return {
    stop,

    async start(role, call, system = null) {
      const countdown = startCountdown(call, now);
      await refuseToStart(context, countdown);
      if (system !== null) await refuseForeignData(context, system, countdown);
      await process.endOrphans(limitOf(countdown));
      await settings.prepareStart(role, limitOf(countdown));
      await removePlaceholders(context, limitOf(countdown));
      await (role === 'primary' ? removeStandbySignal : placeStandbySignal)(context, limitOf(countdown));
      sessions.drop();
      const attempt = createAttempt(parts);
      try {
        await process.start(attempt.isReady, limitOf(countdown));
      } finally {
        if (role === 'primary') await placeStandbySignal(context, { timeoutMs: 2_000 });
      }
      if (role === 'primary' && attempt.wasRefused()) await provideMissingRoles(parts, countdown);
    },

    async startAlone(call) {
      if (configuration.desired() === undefined) configuration.desire(QUIET_SETTINGS);
      await settings.prepareStart('primary', call);
      await removeStandbySignal(context, call);
      const isReady = (): Promise<boolean> =>
        sessions.asSuperuser({ timeoutMs: 1_000 }, async () => true).catch(() => false);
      await process.start(isReady, call, NOBODY_FROM_OUTSIDE);
    },

    async recover(call) {
      const countdown = startCountdown({ timeoutMs: Math.min(call.timeoutMs, RECOVERY_LIMIT_MS) }, now);
      const desired = configuration.desired() ?? QUIET_SETTINGS;
      configuration.desire({ ...desired, upstream: null });
      try {
        await process.endOrphans(limitOf(countdown));
        await settings.prepareStart('standby', limitOf(countdown));
        await removePlaceholders(context, limitOf(countdown));
        await placeStandbySignal(context, limitOf(countdown));
        await process.start(createAttempt(parts).isReady, limitOf(countdown), NOBODY_FROM_OUTSIDE);
        await stop('fast', { timeoutMs: 60_000 });
        return true;
      } catch (error) {
        await stop('immediate', { timeoutMs: 30_000 });
        if (error instanceof BatonError && error.code === 'BATON_TIMEOUT') return false;
        throw error;
      } finally {
        configuration.desire(desired);
      }
    },
  };
}

interface Attempt {
  readonly isReady: () => Promise<boolean>;
  /** The server answered, but does not know the keeper's role or its password. */
  wasRefused(): boolean;
}

/** What a session fails with while a server starts is of no interest, save one thing: that it is refused for good. */
function createAttempt({ sessions }: ServerParts): Attempt {
  let refused = false;
  return {
    wasRefused: () => refused,
    isReady: async () => {
      try {
        const session = await sessions.held({ timeoutMs: 1_000 });
        refused = session.user !== KEEPER_ROLE;
        return true;
      } catch (error) {
        refused = ['28000', '28P01'].includes(sqlStateOf(error) ?? '');
        return refused;
      }
    },
  };
}

/**
 * Data that pgbaton has never served as the primary have neither its roles nor
 * its schema. To make them the superuser has to get in, and nobody is locked
 * out for that time: there is no earlier reign whose clients could see too much.
 */
async function provideMissingRoles(parts: ServerParts, countdown: Countdown): Promise<void> {
  const { context, process, sessions, configuration, settings } = parts;
  const desired = configuration.desired() ?? QUIET_SETTINGS;
  configuration.desire({ ...desired, locked: false });
  try {
    await configuration.write(desired.synchronousStandbyNames, limitOf(countdown));
    await process.reload(limitOf(countdown));
    const session = await waitFor('letting the superuser in', countdown, 10, () =>
      sessions.superuser(limitOf(countdown)).catch((error: unknown) => {
        if (sqlStateOf(error) === undefined) throw error;
        return undefined;
      }),
    );
    try {
      await provideRoles(session, context.options, limitOf(countdown));
      await provideDatabase(session, context.options.dbname, limitOf(countdown));
    } finally {
      session.destroy();
    }
  } finally {
    configuration.desire(desired);
  }
  sessions.drop();
  await settings.putInForce(desired.synchronousStandbyNames, limitOf(countdown));
  context.log('made the roles and the schema of pgbaton in a server that had not had them');
}

async function refuseToStart(context: ServerContext, countdown: Countdown): Promise<void> {
  const sentinel = await readSentinel(context, limitOf(countdown));
  if (sentinel !== undefined && isWhole(sentinel)) {
    await removeSentinel(context, limitOf(countdown));
  } else if (sentinel !== undefined) {
    throw new BatonError('BATON_DATA_DIRECTORY', 'the data directory is half-done and must not be started', {
      detail: `The work "${sentinel.work}" on it was interrupted.`,
      hint: 'The keeper does it again or copies the data anew.',
    });
  }
  await checkDataDirectory(context, limitOf(countdown));
}

/** I11: since the start was planned, which a disk that hangs can make long, somebody may have put other data there. */
async function refuseForeignData(
  context: ServerContext,
  system: string,
  countdown: Countdown,
): Promise<void> {
  const { systemIdentifier } = await readControlData(context, limitOf(countdown));
  if (systemIdentifier === system) return;
  throw new BatonError('BATON_SYSTEM_IDENTIFIER', 'the data directory holds the data of another system', {
    detail: `Its system identifier is ${systemIdentifier}; the group's is ${system}.`,
  });
}
