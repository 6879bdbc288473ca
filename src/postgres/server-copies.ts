import { BatonError } from '../lib/baton-error.ts';
import { startCountdown, type Countdown } from '../system/clock.ts';
import { clone } from './clone.ts';
import { limitOf } from './configuration.ts';
import type { ManagedSettings, PostgresServer } from './postgres-server.ts';
import { rewind } from './rewind.ts';
import { readSentinel } from './sentinel.ts';
import type { ServerParts } from './server-parts.ts';
import type { ServerStarts } from './server-starts.ts';
import { QUIET_SETTINGS } from './settings-control.ts';
import { placeStandbySignal } from './standby-signal.ts';

const SET_ASIDE: ManagedSettings = { ...QUIET_SETTINGS, readOnly: true, locked: true };

/** The calls that replace a stopped server's data by another's. */
export function createServerCopies(
  parts: ServerParts,
  starts: ServerStarts,
): Pick<PostgresServer, 'clone' | 'rewind'> {
  const { context, process, configuration, settings, wal } = parts;
  const { now } = context.options;

  const refuseWhileRunning = async (countdown: Countdown): Promise<void> => {
    // What an earlier attempt started to recover, and was killed, is nobody's server.
    if ((await readSentinel(context, limitOf(countdown))) !== undefined) {
      await starts.stop('fast', { timeoutMs: 30_000 });
    }
    const postmaster = await process.find(limitOf(countdown));
    if (!postmaster) return process.endOrphans(limitOf(countdown));
    throw new BatonError('BATON_REFUSED', 'PostgreSQL runs on this data directory', {
      detail: `Its postmaster is process ${postmaster.pid}.`,
      hint: 'Stop it first.',
    });
  };

  /**
   * A copy brings the source's settings and histories along. Whoever starts it
   * before its keeper does, and promotes it, must not have a second primary.
   */
  const ownTheDirectory = async (countdown: Countdown): Promise<void> => {
    wal.forget();
    configuration.distrust();
    await settings.configure(configuration.desired() ?? SET_ASIDE, limitOf(countdown));
    await placeStandbySignal(context, limitOf(countdown));
  };

  return {
    async clone(source, progress, call) {
      const countdown = startCountdown(call, now);
      await refuseWhileRunning(countdown);
      await configuration.writePassfile(limitOf(countdown));
      await clone(context, source, progress, limitOf(countdown));
      await ownTheDirectory(countdown);
    },

    async rewind(source, progress, call, onRewound = () => Promise.resolve()) {
      const countdown = startCountdown(call, now);
      await refuseWhileRunning(countdown);
      await configuration.writePassfile(limitOf(countdown));
      const recover: ServerStarts['recover'] = (limit) => starts.recover(limit);
      const outcome = await rewind(
        { context, wal, recover, onRewound },
        source,
        progress,
        limitOf(countdown),
      );
      if (outcome.kind === 'rewound') await ownTheDirectory(countdown);
      return outcome;
    },
  };
}
