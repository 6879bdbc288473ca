import { assert } from '../lib/assert.ts';
import { startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import { capabilitiesOf } from './capabilities.ts';
import { renderPassfile, settingNames, withIncludes, withoutSettings } from './configuration-text.ts';
import { mergeBlock, renderHbaBlock, renderIdentBlock } from './hba.ts';
import { CRITICAL_SETTINGS, renderDefaults, renderManagedSettings } from './managed-settings.ts';
import type { ManagedSettings } from './postgres-server.ts';
import type { ServerContext } from './server-context.ts';
import { REPLICATION_ROLE } from './server-options.ts';

/** The configuration files of a data directory. */
export interface Configuration {
  /** What was last asked for; undefined before the first time since this keeper started. */
  desired(): ManagedSettings | undefined;
  desire(settings: ManagedSettings): void;
  /** The `synchronous_standby_names` that were written last; undefined when that is not to be trusted. */
  writtenNames(): string | undefined;
  /**
   * Writes all files so that the desired settings hold from the next reload or
   * start, with these `synchronous_standby_names`. Touches the disk only when
   * something differs from what this keeper wrote last. `ahead`: settings that
   * will be asked for next, instead of the desired ones.
   */
  write(standbyNames: string, limit: TimeLimit, ahead?: ManagedSettings): Promise<WrittenConfiguration>;
  /** Writes the file from which libpq takes the password of the replication role. */
  writePassfile(limit: TimeLimit): Promise<void>;
  /** Forgets what was written last: another program may have changed the files. */
  distrust(): void;
}

export interface WrittenConfiguration {
  readonly digest: string;
  readonly changed: boolean;
  /** Critical settings that ALTER SYSTEM has set: they win over ours. */
  readonly overridden: readonly string[];
}

interface LastWritten extends WrittenConfiguration {
  readonly text: string;
  readonly hbaBlock: string;
  readonly standbyNames: string;
}

const FILE_MODE = 0o600;

export function createConfiguration(context: ServerContext): Configuration {
  const { options, files, disk } = context;
  let desired: ManagedSettings | undefined;
  let last: LastWritten | undefined;

  const replace = async (
    path: string,
    countdown: Countdown,
    change: (existing: string) => string,
  ): Promise<void> => {
    const existing = await disk.readText(path, limitOf(countdown));
    const wanted = change(existing ?? '');
    if (wanted !== existing) await disk.writeText(path, wanted, FILE_MODE, limitOf(countdown));
  };

  const writePassfile = async (countdown: Countdown): Promise<void> => {
    const { secrets } = options;
    if (secrets === null) return;
    await replace(files.passfile, countdown, () =>
      renderPassfile(REPLICATION_ROLE, secrets.replicationPassword),
    );
  };

  /** What only changes with the members of the group, or when somebody has edited it. */
  const writeSurroundings = async (hbaBlock: string, countdown: Countdown): Promise<void> => {
    await writePassfile(countdown);
    if (!options.skipHba) {
      const identBlock = renderIdentBlock(options);
      if (identBlock !== '')
        await replace(files.ident, countdown, (existing) => mergeBlock(existing, identBlock));
      await replace(files.hba, countdown, (existing) => mergeBlock(existing, hbaBlock));
    }
    const major = await disk.readText(files.versionFile, limitOf(countdown));
    const capabilities = capabilitiesOf(Number(major) * 10_000);
    await replace(files.defaultConfiguration, countdown, () => renderDefaults(capabilities));
    await replace(files.mainConfiguration, countdown, withIncludes);
  };

  /** Last, because its digest says that all files are in place. Returns what ALTER SYSTEM overrides of it. */
  const writeManaged = async (text: string, countdown: Countdown): Promise<readonly string[]> => {
    await disk.writeText(files.managedConfiguration, text, FILE_MODE, limitOf(countdown));
    return overriddenSettings(countdown);
  };

  let harmless: string | undefined;
  /** Looked at again only when the file has changed since nothing was found in it. */
  const overriddenSettings = async (countdown: Countdown): Promise<readonly string[]> => {
    const path = files.automaticConfiguration;
    const stamp = (await disk.stamp(path, limitOf(countdown))) ?? 'missing';
    if (stamp === harmless) return [];
    const automatic = await disk.readText(path, limitOf(countdown));
    const critical: readonly string[] = CRITICAL_SETTINGS;
    const overridden = settingNames(automatic ?? '').filter((name) => critical.includes(name));
    harmless = overridden.length === 0 ? stamp : undefined;
    return overridden;
  };

  return {
    desired: () => desired,
    writtenNames: () => last?.standbyNames,
    writePassfile: (limit) => writePassfile(startCountdown(limit, options.now)),
    desire(settings) {
      desired = settings;
    },
    distrust() {
      last = undefined;
    },
    async write(standbyNames, limit, ahead) {
      const settings = ahead ?? desired;
      assert(settings !== undefined, 'settings are asked for before they are written');
      const hbaBlock = options.skipHba ? '' : renderHbaBlock(options, settings);
      const { text, digest } = renderManagedSettings(options, files, settings, standbyNames, hbaBlock);
      if (last?.text === text && last.overridden.length === 0) {
        return { digest, changed: false, overridden: [] };
      }
      const countdown = startCountdown(limit, options.now);
      const isTrusted = last?.hbaBlock === hbaBlock;
      last = undefined;
      if (!isTrusted) await writeSurroundings(hbaBlock, countdown);
      const overridden = await writeManaged(text, countdown);
      last = { text, digest, changed: true, overridden, hbaBlock, standbyNames };
      return last;
    },
  };
}

/**
 * Takes critical settings out of the file that ALTER SYSTEM writes. For a
 * server that does not run; a running one is asked by SQL.
 */
export async function dropAutomaticSettings(
  context: ServerContext,
  names: readonly string[],
  limit: TimeLimit,
): Promise<void> {
  if (names.length === 0) return;
  const path = context.files.automaticConfiguration;
  const countdown = startCountdown(limit);
  const text = (await context.disk.readText(path, limitOf(countdown))) ?? '';
  await context.disk.writeText(path, withoutSettings(text, names), FILE_MODE, limitOf(countdown));
  context.log('removed settings of ALTER SYSTEM that pgbaton manages', { settings: names });
}

/** What is left, as the limit of one more step. */
export function limitOf(countdown: Countdown): TimeLimit {
  return { timeoutMs: Math.max(1, countdown.remainingMs()) };
}
