import { BatonError } from '../lib/baton-error.ts';
import { sleep, startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import {
  dropAutomaticSettings,
  limitOf,
  type Configuration,
  type WrittenConfiguration,
} from './configuration.ts';
import { DIGEST_SETTING, namesOfStandby } from './managed-settings.ts';
import type { ManagedSettings } from './postgres-server.ts';
import { booleanOf, optionalText, textOf } from './row.ts';
import { quoteIdentifier } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import type { ServerProcess } from './server-process.ts';
import type { Sessions } from './sessions.ts';

/** What a server has before anybody has said more. */
export const QUIET_SETTINGS: ManagedSettings = {
  upstream: null,
  synchronousStandbyNames: '',
  readOnly: false,
  locked: false,
  peers: [],
};

/** Brings settings to the disk, and from there into a running server. */
export interface SettingsControl {
  /** See {@link PostgresServer.configure}. */
  configure(settings: ManagedSettings, limit: TimeLimit): Promise<void>;
  /** See {@link PostgresServer.configureNextStart}. */
  configureNextStart(settings: ManagedSettings, limit: TimeLimit): Promise<void>;
  /** Writes the desired settings of a server that is not running and will start in this role. */
  prepareStart(role: 'primary' | 'standby', limit: TimeLimit): Promise<void>;
  /** Writes the desired settings with these standby names and returns when the running server's sessions show them. */
  putInForce(standbyNames: string, limit: TimeLimit): Promise<void>;
}

interface Parts {
  readonly context: ServerContext;
  readonly process: ServerProcess;
  readonly sessions: Sessions;
  readonly configuration: Configuration;
}

export function createSettingsControl(parts: Parts): SettingsControl {
  const { context, process, sessions, configuration } = parts;

  const replace = async (present: InForce, standbyNames: string, countdown: Countdown): Promise<void> => {
    // ALTER SYSTEM leaves our files as they are, and wins over them.
    if (present.standbyNames !== configuration.writtenNames()) configuration.distrust();
    const written = await configuration.write(standbyNames, limitOf(countdown));
    if (written.overridden.length > 0) await resetBySql(parts, written, limitOf(countdown));
    if (present.digest === written.digest && !written.changed) return;
    await process.reload(limitOf(countdown));
    await seeInForce(parts, { digest: written.digest, standbyNames }, countdown);
  };

  return {
    async putInForce(standbyNames, limit) {
      const countdown = startCountdown(limit);
      await replace(await inForce(sessions, countdown), standbyNames, countdown);
    },

    async configure(settings, limit) {
      const countdown = startCountdown(limit);
      configuration.desire(settings);
      if ((await process.find(limitOf(countdown))) === undefined) {
        if (await context.disk.exists(context.files.versionFile, limitOf(countdown)))
          await writeStopped(parts, namesOfStandby(settings), limitOf(countdown));
        return;
      }
      const present = await inForce(sessions, countdown);
      // Changing the names of a running primary takes barriers, and is a call of its own.
      const names = present.inRecovery ? namesOfStandby(settings) : present.standbyNames;
      await replace(present, names, countdown);
    },

    async configureNextStart(settings, limit) {
      configuration.desire(settings);
      await writeStopped(parts, namesOfStandby(settings), limit);
    },

    async prepareStart(role, limit) {
      const settings = configuration.desired();
      if (!settings) throw new BatonError('BATON_INTERNAL', 'a server is started before it was configured');
      configuration.distrust();
      const names = role === 'primary' ? settings.synchronousStandbyNames : namesOfStandby(settings);
      await writeStopped(parts, names, limit);
    },
  };
}

async function writeStopped(parts: Parts, standbyNames: string, limit: TimeLimit): Promise<void> {
  const countdown = startCountdown(limit);
  const written = await parts.configuration.write(standbyNames, limitOf(countdown));
  await dropAutomaticSettings(parts.context, written.overridden, limitOf(countdown));
}

/** Editing the file under a running server would race with its own ALTER SYSTEM. */
async function resetBySql(parts: Parts, written: WrittenConfiguration, limit: TimeLimit): Promise<void> {
  const countdown = startCountdown(limit);
  await parts.sessions.asSuperuser(limitOf(countdown), async (session) => {
    for (const name of written.overridden) {
      await session.query(`ALTER SYSTEM RESET ${quoteIdentifier(name)}`, [], limitOf(countdown));
    }
  });
  parts.context.log('removed settings of ALTER SYSTEM that pgbaton manages', {
    settings: written.overridden,
  });
  parts.configuration.distrust();
}

interface InForce {
  readonly inRecovery: boolean;
  readonly digest: string | null;
  readonly standbyNames: string;
}

async function inForce(sessions: Sessions, countdown: Countdown): Promise<InForce> {
  const session = await sessions.held(limitOf(countdown));
  const text = `SELECT pg_is_in_recovery() AS in_recovery, current_setting('${DIGEST_SETTING}', true) AS digest,
    current_setting('synchronous_standby_names') AS names`;
  const [row] = await session.query(text, [], limitOf(countdown), 'in_force');
  return {
    inRecovery: booleanOf(row, 'in_recovery'),
    digest: optionalText(row, 'digest'),
    standbyNames: textOf(row, 'names'),
  };
}

/** A reload with a mistake in any of the files changes nothing and says so in the log only. */
async function seeInForce(
  parts: Parts,
  wanted: Omit<InForce, 'inRecovery'>,
  countdown: Countdown,
): Promise<void> {
  for (;;) {
    const { digest, standbyNames } = await inForce(parts.sessions, countdown);
    if (digest === wanted.digest && standbyNames === wanted.standbyNames) return;
    if (countdown.remainingMs() === 0) throw await reloadError(parts);
    await sleep(2);
  }
}

async function reloadError({ sessions }: Parts): Promise<BatonError> {
  const text = `SELECT string_agg(format('%s line %s: %s', sourcefile, sourceline, error), E'\\n') AS mistakes
    FROM pg_file_settings WHERE error IS NOT NULL`;
  const mistakes = await sessions
    .asSuperuser({ timeoutMs: 1_000 }, (session) => session.query(text, [], { timeoutMs: 1_000 }))
    .then(([row]) => optionalText(row, 'mistakes'))
    // It only serves to explain.
    .catch(() => null);
  return new BatonError('BATON_CONFIG_INVALID', 'PostgreSQL did not take its new settings over', {
    detail: mistakes ?? undefined,
    hint: 'Mend postgresql.conf; the log of the server has the details.',
  });
}
