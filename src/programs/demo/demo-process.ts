import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../../lib/baton-error.ts';
import { withTimeLimit, type TimeLimit } from '../../system/clock.ts';
import { ETCD_ENVIRONMENT } from './etcd-arguments.ts';

/** A process of the demo. */
export interface DemoProcess {
  readonly name: string;
  readonly pid: number;
  /** Throws BATON_COMMAND_FAILED with the end of its log when it has ended although nobody asked it to. */
  assertRuns(): void;
  /** SIGKILL, and waits until it is gone. Throws BATON_TIMEOUT. */
  kill(limit: TimeLimit): Promise<void>;
}

export interface DemoProcessOptions {
  readonly name: string;
  /** Program and its first arguments. */
  readonly program: readonly string[];
  readonly args: readonly string[];
  /** Where it works and where its log `<name>.log` goes. */
  readonly directory: string;
}

/** Starts a process that a Ctrl-C in the terminal does not reach: the demo ends it in its own order. */
export function startDemoProcess({ name, program, args, directory }: DemoProcessOptions): DemoProcess {
  const [file = process.execPath, ...first] = program;
  const logFile = join(directory, `${name}.log`);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(file, [...first, ...args], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', log, log],
    env: environment(),
  });
  closeSync(log);
  const ending = Promise.withResolvers<void>();
  let ended: string | undefined;
  let isAskedToEnd = false;
  const end = (how: string): void => {
    ended = how;
    ending.resolve();
  };
  child.once('error', (error) => end(error.message));
  child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  return {
    name,
    pid: child.pid ?? 0,
    assertRuns() {
      if (ended === undefined || isAskedToEnd) return;
      throw new BatonError('BATON_COMMAND_FAILED', `the process of ${name} ended (${ended})`, {
        detail: lastLines(logFile, 8),
        hint: 'Run the demo with --keep to look at all of its logs.',
      });
    },
    async kill(limit) {
      isAskedToEnd = true;
      if (ended === undefined) child.kill('SIGKILL');
      await withTimeLimit(`the end of ${name}`, limit, ending.promise);
    },
  };
}

/** Settings of the user's own servers, or etcd, must not lead the demo's processes to them. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([key]) => key === 'PG_CONFIG' || !/^(PG|PGBATON_|ETCD_|NODE_OPTIONS$)/.test(key),
  );
  return {
    ...Object.fromEntries(inherited),
    // As in the unit that `pgbaton show systemd` prints.
    NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=128',
    MALLOC_ARENA_MAX: '2',
    ...ETCD_ENVIRONMENT,
  };
}

function lastLines(file: string, count: number): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}
