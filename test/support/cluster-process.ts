import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sleep } from '../../src/system/clock.ts';
import { LOOPBACK, type Place } from './place.ts';

/** The program as users start it. */
export const PGBATON = resolve(import.meta.dirname, '../../bin/pgbaton');

/** How one run of a command ended. */
export interface CommandOutcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program in the background, as `pgbaton run`, with its output in a file. */
export interface ClusterProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** How it ended: a signal or an exit code; undefined while it runs. */
  ended(): NodeJS.Signals | number | undefined;
  /** Waits until it has ended by itself. */
  end(timeoutMs?: number): Promise<NodeJS.Signals | number>;
  /** Sends a signal and waits until it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Settings of the machine's own servers and of the test runner must not reach the processes of a test. */
export function cleanEnvironment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([key]) => !/^(PG|NODE_)/.test(key));
  // As in the unit that `pgbaton show systemd` prints.
  return {
    ...Object.fromEntries(inherited),
    NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=128',
    ...changes,
  };
}

/** Runs a command to its end; one that hangs is killed and has exit code null. */
export function runPgbaton(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly timeoutMs?: number },
): Promise<CommandOutcome> {
  const { cwd, env = {}, timeoutMs = 60_000 } = options;
  return new Promise((done) => {
    execFile(
      PGBATON,
      [...args],
      { cwd, env: cleanEnvironment(env), timeout: timeoutMs, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        done({ exitCode: typeof code === 'number' ? code : null, stdout, stderr });
      },
    );
  });
}

interface ProcessOptions {
  /** Where it works, and its log is. */
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly place?: Place;
}

/** Starts a command of pgbaton that stays; a second one of that name adds to the same log. */
export function startPgbaton(name: string, args: readonly string[], options: ProcessOptions): ClusterProcess {
  return startProgram(name, [PGBATON, ...args], options);
}

/** As {@link startPgbaton}, for any program. */
export function startProgram(name: string, argv: readonly string[], options: ProcessOptions): ClusterProcess {
  const logFile = join(options.cwd, `${name}.log`);
  const log = openSync(logFile, 'a', 0o644);
  const [file = '', ...rest] = (options.place ?? LOOPBACK).command(argv);
  const child = spawn(file, rest, {
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', log, log],
    env: cleanEnvironment(options.env),
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`"${file}" can't be started`);
  let ended: NodeJS.Signals | number | undefined;
  const ending = Promise.withResolvers<NodeJS.Signals | number>();
  child.once('exit', (code, signal) => {
    ended = signal ?? code ?? -1;
    ending.resolve(ended);
  });

  async function end(timeoutMs = 60_000): Promise<NodeJS.Signals | number> {
    const stopWaiting = new AbortController();
    const late = sleep(timeoutMs, stopWaiting.signal).then(() => undefined);
    const how = await Promise.race([ending.promise, late]);
    stopWaiting.abort();
    if (how === undefined)
      throw new Error(`${name} (${pid}) has not ended within ${timeoutMs} ms\n${tail(logFile)}`);
    return how;
  }

  return {
    name,
    pid,
    logFile,
    ended: () => ended,
    end,
    async kill(signal = 'SIGKILL') {
      if (ended === undefined) child.kill(signal);
      await end();
    },
  };
}

/** The last lines of a file, for the message of a test that failed. */
export function tail(file: string, lines = 40): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
