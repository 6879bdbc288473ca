import { spawn, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { BatonError } from '../lib/baton-error.ts';
import { timeoutError } from './clock.ts';

export interface CommandOptions {
  readonly timeoutMs: number;
  /** The whole environment of the program; default: {@link programEnvironment}. */
  readonly env?: NodeJS.ProcessEnv;
  /** Written to its standard input, which is closed then. */
  readonly input?: string;
  /** Called with each line as it comes; carriage returns end a line as well (progress displays). */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /**
   * Kills the program when it has printed nothing for so long: a copy that
   * makes progress may take hours. Asked anew after each output.
   */
  readonly silenceMs?: () => number;
  /** Called with the process group of the program, for those who must find it again after a crash of their own. */
  readonly onStart?: (processGroup: number) => void;
  /** Kills the program. */
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type RunCommand = (
  file: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

const OUTPUT_LIMIT_CHARACTERS = 256 * 1024;

/**
 * The environment for programs whose output is read: messages in English, and
 * no PG… variable that would change what they do, but for those by which a
 * unit lets the kernel end a session of PostgreSQL rather than the postmaster.
 */
export function programEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(PG(?!_OOM_ADJUST_)|LC_|LANGUAGE$|NODE_)/.test(name)) env[name] = value;
  }
  return { ...env, LC_ALL: 'C' };
}

/**
 * Runs a program without a shell, in a process group of its own. Never throws
 * for a non-zero exit. Throws BATON_TIMEOUT when it is not done in time: the
 * group has then been killed, but is not waited for, because a process on a
 * hung disk does not die. Throws BATON_COMMAND_FAILED when it can't be run.
 * The last part of long output is kept.
 */
export const runCommand: RunCommand = (file, args, options) =>
  new Promise((resolve, reject) => {
    // The working directory must never be the data directory: a spawn into a hung disk blocks the event loop.
    const child = spawn(file, args, {
      cwd: '/',
      env: options.env ?? programEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const name = basename(file);
    const collected = { stdout: '', stderr: '' };
    let silence: NodeJS.Timeout | undefined;

    const settle = (outcome: () => void): void => {
      clearTimeout(deadline);
      clearTimeout(silence);
      options.signal?.removeEventListener('abort', onAbort);
      outcome();
    };
    const giveUp = (error: BatonError): void => {
      killGroup(child);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      settle(() => reject(error));
    };
    const onAbort = (): void =>
      giveUp(new BatonError('BATON_COMMAND_FAILED', `${name} was stopped because it is no longer wanted`));
    const lastWords = (): string => (collected.stderr.trim() || collected.stdout.trim()).slice(-1_000);
    const heard = (): void => {
      if (options.silenceMs === undefined) return;
      clearTimeout(silence);
      const silenceMs = options.silenceMs();
      silence = setTimeout(
        () => giveUp(timeoutError(`waiting for any progress of ${name}`, silenceMs, lastWords())),
        silenceMs,
      );
    };
    const deadline = setTimeout(
      () => giveUp(timeoutError(name, options.timeoutMs, lastWords())),
      Math.min(options.timeoutMs, 2 ** 31 - 1),
    );

    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        collected[stream] = (collected[stream] + chunk).slice(-OUTPUT_LIMIT_CHARACTERS);
        heard();
      });
      const { onLine } = options;
      if (onLine) createInterface({ input: child[stream] }).on('line', (line) => onLine(line, stream));
    }
    child.once('error', (cause) =>
      settle(() =>
        reject(
          new BatonError('BATON_COMMAND_FAILED', `can not run "${file}"`, { detail: cause.message, cause }),
        ),
      ),
    );
    child.once('close', (exitCode) => settle(() => resolve({ exitCode, ...collected })));
    // A program that ends without reading its input is no error of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    options.signal?.addEventListener('abort', onAbort);
    if (options.signal?.aborted === true) onAbort();
    heard();
    if (child.pid !== undefined) options.onStart?.(child.pid);
  });

/** Runs a program that has to succeed; throws BATON_COMMAND_FAILED with its last words when it does not. */
export async function runOrFail(
  run: RunCommand,
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const result = await run(file, args, options);
  if (result.exitCode === 0) return result;
  throw new BatonError('BATON_COMMAND_FAILED', `${basename(file)} failed`, {
    detail: (result.stderr.trim() || result.stdout.trim()).slice(-2_000),
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It is gone already, which is what is wanted.
  }
}
