import { Worker } from 'node:worker_threads';
import { optionsOf, type Choice } from './options.ts';
import { runSeed, type RunResult } from './run.ts';

export interface ManyOptions extends Choice {
  readonly first: number;
  readonly seeds: number;
  readonly jobs: number;
  /** Goes on after a failure. */
  readonly keepsGoing: boolean;
}

/** What a worker is asked for: the seeds from `first` to before `end`. */
export interface Chunk extends Choice {
  readonly first: number;
  readonly end: number;
}

/** Few: at the end one worker waits for the last chunk of another. */
const CHUNK = 10;

export function runChunk(chunk: Chunk): readonly RunResult[] {
  const results: RunResult[] = [];
  for (let seed = chunk.first; seed < chunk.end; seed++) results.push(runSeed(optionsOf(seed, chunk)));
  return results;
}

/**
 * Runs many seeds on several cores. `take` gets their results in the order of
 * the seeds, so that what is made of them does not depend on the number of
 * jobs; without `keepsGoing` the first failure is the last that it gets.
 */
export async function runMany(options: ManyOptions, take: (result: RunResult) => void): Promise<void> {
  const chunks: Chunk[] = [];
  const last = options.first + options.seeds;
  for (let first = options.first; first < last; first += CHUNK)
    chunks.push({ ...options, first, end: Math.min(first + CHUNK, last) });
  const done = new Map<number, readonly RunResult[]>();
  let [next, taken, isOver] = [0, 0, false];

  function deliver(): void {
    for (let results = done.get(taken); results !== undefined && !isOver; results = done.get(taken)) {
      done.delete(taken);
      taken += 1;
      for (const result of results) {
        take(result);
        isOver = result.violation !== undefined && !options.keepsGoing;
        if (isOver) return;
      }
    }
  }

  async function work(
    run: (chunk: Chunk) => readonly RunResult[] | Promise<readonly RunResult[]>,
  ): Promise<void> {
    while (!isOver && next < chunks.length) {
      const index = next;
      next += 1;
      done.set(index, await run(chunks[index]!));
      deliver();
    }
  }

  if (options.jobs <= 1) return work(runChunk);
  const workers = Array.from({ length: Math.min(options.jobs, chunks.length) }, startWorker);
  try {
    await Promise.all(workers.map((worker) => work((chunk) => ask(worker, chunk))));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function startWorker(): Worker {
  // Nearly everything that a run makes is garbage soon.
  const resourceLimits = { maxYoungGenerationSizeMb: 48 };
  return new Worker(new URL('worker.ts', import.meta.url), { resourceLimits });
}

function ask(worker: Worker, chunk: Chunk): Promise<readonly RunResult[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly RunResult[]>();
  // A life that takes all memory ends its worker, and has to be found.
  const fail = (cause: unknown): void =>
    reject(new Error(`a life of the seeds ${chunk.first} to ${chunk.end - 1} ended its worker`, { cause }));
  worker.once('error', fail);
  worker.once('message', (results: readonly RunResult[]) => {
    worker.off('error', fail);
    resolve(results);
  });
  worker.postMessage(chunk);
  return promise;
}
