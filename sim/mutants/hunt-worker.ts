import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { HuntMessage, HuntTask } from './hunt.ts';
import { switchOff } from './mutant.ts';

/** The simulator of this thread, and only of this one, is loaded with the guard switched off. */
const { mutant, first, seeds, faultyMs } = workerData as HuntTask;
const target = pathToFileURL(join(import.meta.dirname, '../..', mutant.file)).href;
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    return { ...loaded, source: switchOff(mutant, readFileSync(fileURLToPath(url), 'utf8')) };
  },
});

// Only now: what is imported before the hook is there has all its guards.
const { live } = await import('./live.ts');

const tell = (message: HuntMessage): void => parentPort?.postMessage(message);

for (let seed = first; seed < first + seeds; seed++) {
  tell({ kind: 'begins', seed });
  const violation = live(seed, faultyMs, mutant.needs ?? []);
  if (violation === undefined) continue;
  tell({ kind: 'fails', seed, checker: violation.invariant, detail: violation.detail });
  break;
}
