import { BatonError } from '../lib/baton-error.ts';
import { sleep, startCountdown, type TimeLimit } from '../system/clock.ts';
import { adopt } from './adopt.ts';
import { limitOf } from './configuration.ts';
import { isCleanlyStopped, readControlData } from './control-data.ts';
import { removeDataDirectory } from './data-directory.ts';
import { initialise } from './initialise.ts';
import { createObserver } from './observe.ts';
import type { PostgresServer } from './postgres-server.ts';
import { removeSentinel } from './sentinel.ts';
import { createServerCopies } from './server-copies.ts';
import type { PostgresServerOptions } from './server-options.ts';
import { createServerParts, type ServerParts } from './server-parts.ts';
import { createServerReign } from './server-reign.ts';
import { createServerStarts, type ServerStarts } from './server-starts.ts';
import { placeStandbySignal } from './standby-signal.ts';

/** Puts the parts of one PostgreSQL server together. Both directories must exist; nothing is touched yet. */
export function createPostgresServer(options: PostgresServerOptions): PostgresServer {
  const parts = createServerParts(options);
  const { watch, sessions, settings } = parts;
  const starts = createServerStarts(parts);
  return {
    observe: createObserver(parts),
    onChange: (listener) => watch.onChange(listener),
    configure: (wanted, call) => settings.configure(wanted, call),
    configureNextStart: (wanted, call) => settings.configureNextStart(wanted, call),
    start: starts.start,
    stop: starts.stop,
    ...createServerSetUp(parts, starts),
    ...createServerEnds(parts),
    ...createServerReign(parts),
    ...createServerCopies(parts, starts),
    async close() {
      watch.close();
      sessions.drop();
    },
  };
}

/** How a server begins under pgbaton, and how it leaves it. */
function createServerSetUp(
  parts: ServerParts,
  starts: ServerStarts,
): Pick<PostgresServer, 'initialise' | 'adopt' | 'destroy'> {
  const { context, configuration } = parts;
  const { options } = context;
  const stop = (limit: TimeLimit): Promise<void> => starts.stop('fast', limit);
  const startAlone = (limit: TimeLimit): Promise<void> => starts.startAlone(limit);
  return {
    async initialise(call) {
      await initialise({ ...parts, startAlone, stop }, call);
      await placeStandbySignal(context, call);
      configuration.distrust();
    },
    adopt: (call) => adopt({ ...parts, startAlone, stop }, call),
    async destroy(call) {
      const countdown = startCountdown(call, options.now);
      await stop(limitOf(countdown));
      await removeDataDirectory(context, limitOf(countdown));
      await removeSentinel(context, limitOf(countdown));
    },
  };
}

/** Where the WAL of a server ends that is shut down or being so. */
function createServerEnds({
  context,
  process,
  sessions,
  wal,
}: ServerParts): Pick<PostgresServer, 'shutDownForHandover' | 'stoppedLineage'> {
  const { now } = context.options;
  return {
    async shutDownForHandover(call) {
      const countdown = startCountdown(call, now);
      sessions.drop();
      await process.interrupt(limitOf(countdown));
      for (;;) {
        // Looked for before pg_control is read: it writes "shut down" there and then leaves.
        const lives = (await process.find(limitOf(countdown))) !== undefined;
        const control = await readControlData(context, limitOf(countdown));
        if (isCleanlyStopped(control)) {
          return (await wal.stoppedLineage(control, limitOf(countdown))).position;
        }
        if (!lives)
          throw new BatonError('BATON_POSTGRES_STOP_FAILED', 'PostgreSQL went down, but not cleanly');
        countdown.check('the fast shutdown');
        await sleep(5);
      }
    },

    async stoppedLineage(call) {
      const countdown = startCountdown(call, now);
      return wal.stoppedLineage(await readControlData(context, limitOf(countdown)), limitOf(countdown));
    },
  };
}
