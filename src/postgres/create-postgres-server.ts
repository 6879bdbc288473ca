import { BatonError } from '../lib/baton-error.ts';
import { startCountdown, sleep, type Countdown, type TimeLimit } from '../system/clock.ts';
import { createDisk } from '../system/disk.ts';
import { runCommand } from '../system/run-command.ts';
import { adopt } from './adopt.ts';
import { createChangeWatch } from './change-watch.ts';
import { clone } from './clone.ts';
import { createConfiguration, limitOf } from './configuration.ts';
import { isCleanlyStopped, readControlData } from './control-data.ts';
import { checkDataDirectory, removeDataDirectory } from './data-directory.ts';
import { initialise } from './initialise.ts';
import { createLocalWal } from './local-wal.ts';
import { createMarkerWriter } from './marker.ts';
import { createObserver } from './observe.ts';
import { removePlaceholders } from './placeholders.ts';
import type { PostgresServer } from './postgres-server.ts';
import { promote } from './promotion.ts';
import { rewind } from './rewind.ts';
import { readSentinel, removeSentinel } from './sentinel.ts';
import { serverFiles, type ServerContext } from './server-context.ts';
import type { PostgresServerOptions } from './server-options.ts';
import { createServerProcess } from './server-process.ts';
import { createSessions } from './sessions.ts';
import { createSettingsControl, QUIET_SETTINGS } from './settings-control.ts';
import { maintainSlots } from './slots.ts';
import { placeStandbySignal, removeStandbySignal } from './standby-signal.ts';
import { applySynchronousStandbys } from './synchronous-standbys.ts';
import { cutUpstream } from './upstream.ts';

/** Puts the parts of one PostgreSQL server together. The directories must exist; nothing is touched yet. */
export function createPostgresServer(options: PostgresServerOptions): PostgresServer {
  const context: ServerContext = {
    options,
    files: serverFiles(options),
    disk: createDisk(),
    run: runCommand,
    log: options.log ?? (() => undefined),
  };
  const { disk, files } = context;
  const process = createServerProcess(context);
  const watch = createChangeWatch(process);
  const sessions = createSessions(
    context,
    (limit) => process.find(limit),
    () => watch.notify(),
  );
  const configuration = createConfiguration(context);
  const settings = createSettingsControl({ context, process, sessions, configuration });
  const wal = createLocalWal(context);
  const markers = createMarkerWriter(sessions);

  const stop: PostgresServer['stop'] = async (mode, call) => {
    sessions.drop();
    await process.stop(mode, call);
    // A server that was started on a half-written state of things must not hold the session of an earlier one.
    sessions.drop();
  };

  const start: PostgresServer['start'] = async (role, call) => {
    const countdown = startCountdown(call, options.now);
    await refuseToStart(context, countdown);
    await process.endOrphans(limitOf(countdown));
    await settings.prepareStart(role, limitOf(countdown));
    await removePlaceholders(context, limitOf(countdown));
    await (role === 'primary' ? removeStandbySignal : placeStandbySignal)(context, limitOf(countdown));
    sessions.drop();
    try {
      await process.start(
        isReadyBy(() => sessions.held({ timeoutMs: 1_000 })),
        limitOf(countdown),
      );
    } finally {
      if (role === 'primary') await placeStandbySignal(context, { timeoutMs: 2_000 });
    }
  };

  const refuseWhileRunning = async (countdown: Countdown): Promise<void> => {
    const postmaster = await process.find(limitOf(countdown));
    if (!postmaster) return process.endOrphans(limitOf(countdown));
    throw new BatonError('BATON_REFUSED', 'PostgreSQL runs on this data directory', {
      detail: `Its postmaster is process ${postmaster.pid}.`,
      hint: 'Stop it first.',
    });
  };

  /** A copy brings the source's settings and histories along. */
  const ownTheDirectory = async (countdown: Countdown): Promise<void> => {
    wal.forget();
    configuration.distrust();
    const desired = configuration.desired();
    if (desired) await settings.configure(desired, limitOf(countdown));
    await placeStandbySignal(context, limitOf(countdown));
  };

  const recover = async (call: TimeLimit): Promise<void> => {
    const countdown = startCountdown(call, options.now);
    const desired = configuration.desired() ?? QUIET_SETTINGS;
    configuration.desire({ ...desired, upstream: null });
    try {
      await settings.prepareStart('standby', limitOf(countdown));
      await removePlaceholders(context, limitOf(countdown));
      await placeStandbySignal(context, limitOf(countdown));
      const connects = isReadyBy(() => sessions.held({ timeoutMs: 1_000 }));
      await process.start(connects, limitOf(countdown), '-c listen_addresses=');
      await stop('fast', limitOf(countdown));
    } finally {
      configuration.desire(desired);
    }
  };

  const startAlone = async (call: TimeLimit): Promise<void> => {
    if (configuration.desired() === undefined) configuration.desire(QUIET_SETTINGS);
    await settings.prepareStart('primary', call);
    await removeStandbySignal(context, call);
    const ready = isReadyBy(() => sessions.asSuperuser({ timeoutMs: 1_000 }, async () => undefined));
    await process.start(ready, call, '-c listen_addresses=');
  };

  return {
    observe: createObserver({ context, process, sessions, wal }),
    onChange: (listener) => watch.onChange(listener),
    initialise: async (call) => {
      const stopFast = (limit: TimeLimit): Promise<void> => stop('fast', limit);
      await initialise({ context, sessions, startAlone, stop: stopFast }, call);
      await placeStandbySignal(context, call);
      configuration.distrust();
    },
    adopt: (call) => {
      const stopFast = (limit: TimeLimit): Promise<void> => stop('fast', limit);
      return adopt({ context, process, sessions, configuration, settings, startAlone, stop: stopFast }, call);
    },
    configure: (wanted, call) => settings.configure(wanted, call),
    start,
    stop,

    async shutDownForHandover(call) {
      const countdown = startCountdown(call, options.now);
      sessions.drop();
      await process.interrupt(limitOf(countdown));
      for (;;) {
        const control = await readControlData(context, limitOf(countdown));
        if (isCleanlyStopped(control))
          return (await wal.stoppedLineage(control, limitOf(countdown))).position;
        if ((await process.find(limitOf(countdown))) === undefined) {
          throw new BatonError('BATON_POSTGRES_STOP_FAILED', 'PostgreSQL went down, but not cleanly');
        }
        countdown.check('the fast shutdown');
        await sleep(5);
      }
    },

    async cutUpstream(call) {
      const countdown = startCountdown(call, options.now);
      return cutUpstream(await sessions.held(limitOf(countdown)), wal, limitOf(countdown));
    },

    async stoppedLineage(call) {
      const countdown = startCountdown(call, options.now);
      return wal.stoppedLineage(await readControlData(context, limitOf(countdown)), limitOf(countdown));
    },

    async promote(timeline, call) {
      const countdown = startCountdown(call, options.now);
      const session = await sessions.held(limitOf(countdown));
      const names = configuration.desired()?.synchronousStandbyNames ?? '';
      // A standby without voters to name holds an unsatisfiable one, and so would the new primary.
      if (names === '' && configuration.desired() !== undefined)
        await settings.putInForce('', limitOf(countdown));
      const lineage = await promote(context, session, wal, timeline, limitOf(countdown));
      await placeStandbySignal(context, limitOf(countdown));
      return lineage;
    },

    applySynchronousStandbys(names, call) {
      const desired = configuration.desired();
      if (desired) configuration.desire({ ...desired, synchronousStandbyNames: names });
      const putInForce: typeof settings.putInForce = (value, limit) => settings.putInForce(value, limit);
      return applySynchronousStandbys({ sessions, putInForce }, names, call);
    },

    writeMarker: (marker, call) => markers.write(marker, call),

    async maintainSlots(nodes, call) {
      const countdown = startCountdown(call, options.now);
      await maintainSlots(await sessions.held(limitOf(countdown)), nodes, limitOf(countdown));
    },

    async checkpoint(call) {
      const countdown = startCountdown(call, options.now);
      const session = await sessions.open(limitOf(countdown));
      try {
        await session.query('CHECKPOINT', [], limitOf(countdown));
      } finally {
        session.destroy();
      }
    },

    async clone(source, progress, call) {
      const countdown = startCountdown(call, options.now);
      await refuseWhileRunning(countdown);
      await configuration.writePassfile(limitOf(countdown));
      await clone(context, source, progress, limitOf(countdown));
      await ownTheDirectory(countdown);
    },

    async rewind(source, progress, call) {
      const countdown = startCountdown(call, options.now);
      await refuseWhileRunning(countdown);
      await configuration.writePassfile(limitOf(countdown));
      const outcome = await rewind({ context, wal, recover }, source, progress, limitOf(countdown));
      if (outcome.kind === 'rewound') await ownTheDirectory(countdown);
      return outcome;
    },

    async destroy(call) {
      const countdown = startCountdown(call, options.now);
      await stop('fast', limitOf(countdown));
      await removeDataDirectory(context, limitOf(countdown));
      await removeSentinel(context, limitOf(countdown));
      await disk.remove(files.placeholders, limitOf(countdown));
    },

    async close() {
      watch.close();
      sessions.drop();
    },
  };
}

/** Turns an attempt to connect into a question; what it fails with while a server starts is of no interest. */
function isReadyBy(connect: () => Promise<unknown>): () => Promise<boolean> {
  return () =>
    connect().then(
      () => true,
      () => false,
    );
}

async function refuseToStart(context: ServerContext, countdown: Countdown): Promise<void> {
  const sentinel = await readSentinel(context, limitOf(countdown));
  if (sentinel !== undefined) {
    throw new BatonError('BATON_DATA_DIRECTORY', 'the data directory is half-done and must not be started', {
      detail: `The work "${sentinel.work}" on it was interrupted.`,
      hint: 'The keeper does it again or copies the data anew.',
    });
  }
  await checkDataDirectory(context, limitOf(countdown));
}
