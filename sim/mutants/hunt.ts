import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { live } from './live.ts';
import type { Mutant } from './mutant.ts';

export interface HuntOptions {
  readonly first: number;
  /** How many seeds at most. */
  readonly seeds: number;
  /** How long each seed has faults, virtual ms. */
  readonly faultyMs: number;
  /** How many hunts go on at once in this process. */
  readonly jobs: number;
}

export interface HuntTask extends HuntOptions {
  readonly mutant: Mutant;
}

export type HuntMessage =
  | { readonly kind: 'begins'; readonly seed: number }
  | { readonly kind: 'fails'; readonly seed: number; readonly checker: string; readonly detail: string };

/** What became of a mutant. */
export interface Catch {
  readonly mutant: Mutant;
  /** How many seeds were run, the one that caught it included. */
  readonly seeds: number;
  /** Who caught it; null: nobody. */
  readonly checker: string | null;
  readonly detail: string;
  readonly seconds: number;
}

/**
 * A life takes well under a second; without a guard it may never end. Counted
 * in processor time of this process: a host that is busy accuses nobody.
 */
const SEED_CPU_SECONDS = 60;
const LOOK_MS = 2_000;
const MEMORY_MB = 1_024;

/** Runs seed after seed without the guard until a checker speaks. */
export async function hunt(
  mutant: Mutant,
  options: HuntOptions,
  onSeed: (seed: number) => void = () => undefined,
): Promise<Catch> {
  const startedMs = performance.now();
  const end = options.first + options.seeds;
  const done = (seed: number, checker: string | null, detail: string): Catch => ({
    mutant,
    seeds: seed - options.first,
    checker,
    detail,
    seconds: (performance.now() - startedMs) / 1_000,
  });
  for (let first = options.first; first < end;) {
    const { faultyMs, jobs } = options;
    const failure = await firstFailure({ mutant, first, seeds: end - first, faultyMs, jobs }, onSeed);
    if (failure === undefined) break;
    first = failure.seed + 1;
    // A seed that fails with all guards in place says nothing about this one.
    if (live(mutant, failure.seed, options.faultyMs) === undefined)
      return done(first, failure.checker, `seed ${failure.seed}: ${failure.detail}`);
  }
  return done(end, null, '');
}

type Failure = Extract<HuntMessage, { kind: 'fails' }>;

/** In a thread of its own, since the guard is missing in all that the thread loads. */
function firstFailure(task: HuntTask, onSeed: (seed: number) => void): Promise<Failure | undefined> {
  const worker = new Worker(join(import.meta.dirname, 'hunt-worker.ts'), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  return new Promise((resolve, reject) => {
    let seed: number | undefined;
    let begun = process.cpuUsage();
    const timer = setInterval(() => {
      const { user, system } = process.cpuUsage(begun);
      if ((user + system) / 1_000_000 > SEED_CPU_SECONDS * task.jobs) neverEnds('it goes on and on');
    }, LOOK_MS);
    const settle = (failure: Failure | undefined): void => {
      clearInterval(timer);
      resolve(failure);
      void worker.terminate();
    };
    const neverEnds = (detail: string): void => {
      if (seed === undefined) reject(new Error(`${task.mutant.name} can't be loaded: ${detail}`));
      settle({ kind: 'fails', seed: seed ?? task.first, checker: 'I28 decisions never go round', detail });
    };
    worker.on('message', (message: HuntMessage) => {
      if (message.kind === 'fails') return settle(message);
      ({ seed } = message);
      begun = process.cpuUsage();
      onSeed(seed);
    });
    worker.on('error', (error: Error) => neverEnds(error.message));
    worker.on('exit', () => settle(undefined));
  });
}
