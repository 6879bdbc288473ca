import { parentPort, workerData } from 'node:worker_threads';
import type { HuntMessage, HuntTask } from './hunt.ts';
import { loadWithout } from './load-without.ts';

/** In a thread of its own: without a guard a life may never end, and only a thread can be ended then. */
const { mutant, first, seeds, faultyMs } = workerData as HuntTask;
const { live } = await loadWithout<typeof import('./live.ts')>(mutant, './live.ts');

const tell = (message: HuntMessage): void => parentPort?.postMessage(message);

for (let seed = first; seed < first + seeds; seed++) {
  tell({ kind: 'begins', seed });
  const violation = live(mutant, seed, faultyMs);
  if (violation === undefined) continue;
  tell({ kind: 'fails', seed, checker: violation.invariant, detail: violation.detail });
  break;
}
