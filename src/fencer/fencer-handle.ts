import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { readPidFile } from '../system/pid-file.ts';
import { sendSignal } from '../system/process.ts';
import { programEnvironment } from '../system/run-command.ts';
import { toLine, type FencerAnswer, type FencerOrder, type FencerSetup } from './fencer-protocol.ts';

/** A keeper's end of the line to its fencer. */
export interface FencerHandle {
  /** Starts the fencer when there is something to guard and none runs, and ends it when there is not; one that hangs is replaced. */
  order(order: FencerOrder): void;
  /** Lets go of it: it lives on and carries out the last order. */
  close(): void;
}

export interface FencerHandleOptions {
  /** The file that Node runs. */
  readonly program: string;
  readonly setup: FencerSetup;
  /** Monotonic, ms. */
  readonly now: () => number;
  onAnswer(answer: FencerAnswer): void;
  /** It could not be started, ended or hangs: a sentence. */
  onTrouble(because: string): void;
}

/** Without an answer for so long a fencer hangs itself, ms. */
const SILENT_MS = 10_000;
/** One that ends at once again must not keep the machine busy, ms. */
const START_AGAIN_MS = 1_000;
/** It does little: small heaps, and none of the compilers that would only cost memory. */
const NODE_OPTIONS = ['--max-semi-space-size=1', '--max-old-space-size=32', '--no-opt', '--no-maglev'];

export function createFencerHandle(options: FencerHandleOptions): FencerHandle {
  const { program, setup, now } = options;
  let child: ChildProcess | undefined;
  let startedAtMs = -Infinity;
  let unansweredSinceMs: number | undefined;
  /** Whether the fencer of an earlier keeper, which may be on guard, has been seen to. */
  let hasEndedFormer = false;

  function start(): ChildProcess {
    startedAtMs = now();
    hasEndedFormer = true;
    unansweredSinceMs = undefined;
    // In a session and with a folder of its own: neither the end of the keeper nor a hung disk reaches it.
    const started = spawn(process.execPath, [...NODE_OPTIONS, program], {
      cwd: '/',
      env: programEnvironment(),
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    started.once('error', (error) => options.onTrouble(`the fencer can't be started: ${error.message}`));
    started.once('exit', (code, signal) => {
      if (child !== started) return;
      child = undefined;
      if (code !== 0) options.onTrouble(`the fencer has ended with ${signal ?? `exit code ${code}`}`);
    });
    started.stdin.on('error', () => undefined);
    createInterface({ input: started.stdout }).on('line', (line) => {
      unansweredSinceMs = undefined;
      options.onAnswer(JSON.parse(line) as FencerAnswer);
    });
    started.unref();
    (started.stdin as Socket).unref();
    (started.stdout as Socket).unref();
    started.stdin.write(toLine(setup));
    return started;
  }

  function replaceHung(): void {
    if (child === undefined || unansweredSinceMs === undefined) return;
    if (now() - unansweredSinceMs < SILENT_MS) return;
    options.onTrouble(`the fencer has not answered for ${SILENT_MS} ms and is replaced`);
    child.kill('SIGKILL');
    child = undefined;
  }

  /** With nothing to guard and its line closed it ends. */
  function letGo(): void {
    if (child !== undefined) child.stdin?.end(toLine({ kind: 'release' }));
    else if (!hasEndedFormer) void endFencer(setup.pidFile);
    child = undefined;
    hasEndedFormer = true;
  }

  return {
    order(order) {
      replaceHung();
      if (order.kind === 'release') return letGo();
      if (child === undefined && now() - startedAtMs < START_AGAIN_MS) return;
      child ??= start();
      unansweredSinceMs ??= now();
      child.stdin?.write(toLine(order));
    },
    close() {
      child?.stdin?.end();
      child = undefined;
    },
  };
}

/** Ends the fencer that a pid file names, if one runs. What it guards is left alone. */
export async function endFencer(pidFile: string): Promise<void> {
  const pid = await readPidFile(pidFile).catch(() => undefined);
  if (pid !== undefined && pid !== process.pid) sendSignal(pid, 'SIGKILL');
}
