import { join } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import { startCountdown, sleep, waitFor, type Countdown, type TimeLimit } from '../system/clock.ts';
import {
  findProcessesIn,
  isAlive,
  isStopped,
  sendSignal,
  workingDirectory,
  type ProcessInfo,
} from '../system/process.ts';
import { limitOf } from './configuration.ts';
import { portInUse } from './listen-check.ts';
import { isPostmasterOf, parsePidFile, SERVER_PROCESS_NAMES, type Postmaster } from './postmaster.ts';
import { program, type ServerContext } from './server-context.ts';
import { lastLines, logSize } from './server-log.ts';

/** What a server writes into its pid file when it has opened its doors. */
const READY = 'ready';
const LETS_IN = [READY, 'standby'];

/** For so long after a start it is asked often whether it is ready. */
const EAGER_MS = 3_000;

/** The postmaster of a data directory and what hangs on it. */
export interface ServerProcess {
  /** The running postmaster; undefined when there is none. What it says of itself may be older than its end. */
  find(limit: TimeLimit): Promise<Postmaster | undefined>;
  /**
   * Starts the server, detached, and returns when `isReady` says so. Throws
   * BATON_PORT_IN_USE, BATON_POSTGRES_START_FAILED with the last lines of the
   * log, or BATON_TIMEOUT: the server then goes on starting. `serverOptions`
   * are for its command line, through a shell: constants only.
   */
  start(isReady: () => Promise<boolean>, limit: TimeLimit, serverOptions?: string): Promise<void>;
  /** Stops the server and its orphans, in harder ways when the asked one takes too long. */
  stop(mode: 'fast' | 'immediate', limit: TimeLimit): Promise<void>;
  /** Begins a fast shutdown and does not wait for it. */
  interrupt(limit: TimeLimit): Promise<void>;
  /** Ends what an earlier postmaster left: a new one refuses to start beside it, and it may go on committing. */
  endOrphans(limit: TimeLimit): Promise<void>;
  /** Whether the postmaster that was last found is still there. Cheap, and never hangs. */
  livesStill(): boolean;
  /** Makes the server read its configuration files again; false when there is none. */
  reload(limit: TimeLimit): Promise<boolean>;
}

export function createServerProcess(context: ServerContext): ServerProcess {
  const { options, files, disk } = context;
  let directory: string | undefined;
  let known: Postmaster | undefined;

  const canonicalDirectory = async (limit: TimeLimit): Promise<string | undefined> => {
    directory ??= await disk.canonicalPath(options.dataDirectory, limit);
    return directory;
  };

  const find: ServerProcess['find'] = async (limit) => {
    // One that was ready and lives is still the one; and /proc does not hang when the disk does.
    const isKnown = known !== undefined && directory !== undefined && isPostmasterOf(directory, known.pid);
    if (isKnown && known?.status === READY) return known;
    try {
      const canonical = await canonicalDirectory(limit);
      const text = await disk.readText(files.pidFile, limit);
      const found = parsePidFile(text ?? '');
      known = found && canonical !== undefined && isPostmasterOf(canonical, found.pid) ? found : undefined;
    } catch (error) {
      // A disk that hangs or fails stops no server: what was known stays true while the process lives.
      if (known === undefined || directory === undefined || !isPostmasterOf(directory, known.pid))
        throw error;
    }
    return known;
  };

  const serverProcesses = async (limit: TimeLimit): Promise<readonly ProcessInfo[]> => {
    const canonical = await canonicalDirectory(limit);
    return canonical === undefined ? [] : findProcessesIn(canonical, SERVER_PROCESS_NAMES);
  };

  /**
   * A postmaster that died and that nobody has collected yet (slow init
   * processes, containers without one) still answers signals: PostgreSQL would
   * take it for alive and refuse to start.
   */
  const removeStaleLocks = async (countdown: Countdown): Promise<void> => {
    if ((await find(limitOf(countdown))) === undefined) await disk.remove(files.pidFile, limitOf(countdown));
    const socketLock = join(options.socketDirectory, `.s.PGSQL.${options.port}.lock`);
    const holder = Number.parseInt((await disk.readText(socketLock, limitOf(countdown))) ?? '', 10);
    if (!Number.isNaN(holder) && !isAlive(holder)) await disk.remove(socketLock, limitOf(countdown));
  };

  const endOrphans: ServerProcess['endOrphans'] = async (limit) => {
    const countdown = startCountdown(limit, options.now);
    const orphans = await serverProcesses(limit);
    if (orphans.length === 0) return removeStaleLocks(countdown);
    context.log('ending processes that outlived their postmaster', { pids: orphans.map(({ pid }) => pid) });
    for (const { pid } of orphans) sendSignal(pid, 'SIGQUIT');
    const politeUntilMs = countdown.remainingMs() / 2;
    await waitFor('ending orphaned server processes', countdown, 5, () => {
      const alive = orphans.filter(({ pid }) => isAlive(pid));
      // A backend inside a long computation looks at signals late, and one that is stopped never.
      for (const { pid } of alive)
        if (countdown.remainingMs() < politeUntilMs || isStopped(pid)) sendSignal(pid, 'SIGKILL');
      return alive.length === 0 ? true : undefined;
    });
    await removeStaleLocks(countdown);
  };

  return {
    find,
    endOrphans,
    livesStill: () => known !== undefined && workingDirectory(known.pid) === directory,

    async start(isReady, limit, serverOptions) {
      const countdown = startCountdown(limit, options.now);
      await refuseTakenPort(context);
      await canonicalDirectory(limitOf(countdown));
      const logOffsetBytes = await logSize(context, limitOf(countdown));
      const launcher = launch(context, countdown, serverOptions);
      for (;;) {
        // Each attempt of a session is a fork, and a line in the log of a server that is still recovering.
        if (LETS_IN.includes((await find(limitOf(countdown)))?.status ?? '') && (await isReady())) return;
        const failure = launcher.failure();
        if (failure !== undefined && (await find(limitOf(countdown))) === undefined) {
          throw await startError(context, logOffsetBytes, failure);
        }
        if (countdown.remainingMs() === 0) {
          throw new BatonError(
            'BATON_TIMEOUT',
            `PostgreSQL accepts no connections after ${limit.timeoutMs} ms`,
            {
              detail: await lastLines(context, logOffsetBytes),
              hint: 'It goes on starting. A standby accepts connections once it has replayed to a consistent point.',
            },
          );
        }
        await sleep(countdown.remainingMs() > limit.timeoutMs - EAGER_MS ? 10 : 100);
      }
    },

    async stop(mode, limit) {
      const countdown = startCountdown(limit, options.now);
      const postmaster = await find(limit);
      const children = (): readonly ProcessInfo[] =>
        directory === undefined ? [] : findProcessesIn(directory, SERVER_PROCESS_NAMES);
      if (postmaster) await endPostmaster({ context, postmaster, children, mode }, limit, countdown);
      known = undefined;
      await endOrphans({ timeoutMs: Math.max(1_000, countdown.remainingMs()) });
    },

    async interrupt(limit) {
      const postmaster = await find(limit);
      if (postmaster) sendSignal(postmaster.pid, 'SIGINT');
    },

    async reload(limit) {
      const postmaster = await find(limit);
      return postmaster !== undefined && sendSignal(postmaster.pid, 'SIGHUP');
    },
  };
}

interface Ending {
  readonly context: ServerContext;
  readonly postmaster: Postmaster;
  /** All processes of the server that there are now. */
  readonly children: () => readonly ProcessInfo[];
  readonly mode: 'fast' | 'immediate';
}

/**
 * When in the time that there is, as a share of it, which signal is sent. Fast
 * waits for a checkpoint and for the walsenders, immediate for nothing but the
 * children's exit; a postmaster that is stopped (SIGSTOP) or hangs obeys
 * SIGKILL alone, and nobody waits for its sessions. One that waits in the
 * kernel, for the disk under its log, does not even obey that: its sessions
 * would go on, and are ended one by one.
 */
const STEPS: Readonly<Record<Ending['mode'], readonly EndingStep[]>> = {
  fast: [
    { at: 0, signal: 'SIGINT' },
    { at: 0.7, signal: 'SIGQUIT' },
    { at: 0.85, signal: 'SIGKILL' },
    { at: 0.95, signal: 'SIGKILL', toChildren: true },
  ],
  immediate: [
    { at: 0, signal: 'SIGQUIT' },
    { at: 0.6, signal: 'SIGKILL' },
    { at: 0.7, signal: 'SIGKILL', toChildren: true },
  ],
};

interface EndingStep {
  readonly at: number;
  readonly signal: NodeJS.Signals;
  readonly toChildren?: true;
}

/** Signals straight to the postmaster: pg_ctl looks every 100 ms only. */
async function endPostmaster(
  { context, postmaster, children, mode }: Ending,
  limit: TimeLimit,
  countdown: Countdown,
): Promise<void> {
  const steps = [...STEPS[mode]];
  try {
    await waitFor('stopping PostgreSQL', countdown, 5, () => {
      if (!isAlive(postmaster.pid)) return true;
      if (mode === 'immediate' && isStopped(postmaster.pid)) sendSignal(postmaster.pid, 'SIGKILL');
      const passed = 1 - countdown.remainingMs() / limit.timeoutMs;
      for (let next = steps[0]; next !== undefined && passed >= next.at; next = steps[0]) {
        steps.shift();
        if (next.at > 0) context.log('PostgreSQL does not stop, trying harder', { signal: next.signal });
        const pids = next.toChildren ? children().map(({ pid }) => pid) : [postmaster.pid];
        for (const pid of pids) sendSignal(pid, next.signal);
      }
      return undefined;
    });
  } catch (cause) {
    throw new BatonError(
      'BATON_POSTGRES_STOP_FAILED',
      `PostgreSQL did not stop within ${limit.timeoutMs} ms`,
      {
        detail: `Its postmaster is process ${postmaster.pid}.`,
        hint: 'A process that even SIGKILL does not end hangs in the kernel, most often on a disk.',
        cause,
      },
    );
  }
}

interface Launcher {
  /** What pg_ctl said when it gave up; undefined while it has not. */
  failure(): string | undefined;
}

/**
 * pg_ctl makes the server a child of nobody, in a session of its own, so that
 * it outlives the keeper. It waits as well, in coarse steps: that is not used
 * to learn of success, only of failure.
 */
function launch(context: ServerContext, countdown: Countdown, serverOptions: string | undefined): Launcher {
  const { options, files } = context;
  const seconds = Math.ceil(countdown.remainingMs() / 1_000) + 1;
  const args = [
    'start',
    '-D',
    options.dataDirectory,
    '-l',
    files.serverLog,
    '-s',
    '-w',
    '-t',
    String(seconds),
  ];
  if (serverOptions !== undefined) args.push('-o', serverOptions);
  let failure: string | undefined;
  context
    .run(program(context, 'pg_ctl'), args, { timeoutMs: (seconds + 5) * 1_000 })
    .then((result) => {
      if (result.exitCode !== 0) failure = result.stderr.trim() || result.stdout.trim() || 'pg_ctl failed';
    })
    .catch((error: unknown) => {
      failure = error instanceof Error ? error.message : String(error);
    });
  return { failure: () => failure };
}

async function refuseTakenPort({ options }: ServerContext): Promise<void> {
  const taken = await portInUse(options.listenAddresses, options.port);
  if (taken === undefined) return;
  throw new BatonError('BATON_PORT_IN_USE', `port ${options.port} is in use on "${taken}"`, {
    hint: `Find the process that listens there (ss -ltnp "sport = :${options.port}"), or choose another port.`,
  });
}

async function startError(
  context: ServerContext,
  logOffsetBytes: number,
  failure: string,
): Promise<BatonError> {
  const log = await lastLines(context, logOffsetBytes);
  return new BatonError('BATON_POSTGRES_START_FAILED', 'PostgreSQL did not start', {
    detail: log === '' ? failure : log,
    hint: `The whole log is in "${context.files.serverLog}".`,
  });
}
