import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { switchOff, type Mutant } from './mutant.ts';

/**
 * Loads a module of this folder and all that it imports once more, with the
 * guard switched off: whoever has it calls a simulator that differs in one
 * place from the one beside it in the same thread.
 */
export async function loadWithout<T>(mutant: Mutant, module: string): Promise<T> {
  const mark = `?without=${mutant.name}`;
  const target = pathToFileURL(join(import.meta.dirname, '../..', mutant.file)).href + mark;
  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const isOurs = resolved.url.startsWith('file:') && !resolved.url.includes('/node_modules/');
      const isMarked = context.parentURL?.endsWith(mark) === true && isOurs && !resolved.url.endsWith(mark);
      return isMarked ? { ...resolved, url: resolved.url + mark } : resolved;
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== target) return loaded;
      return {
        ...loaded,
        source: switchOff(mutant, readFileSync(fileURLToPath(url.slice(0, -mark.length)), 'utf8')),
      };
    },
  });
  try {
    return (await import(new URL(module, import.meta.url).href + mark)) as T;
  } finally {
    hooks.deregister();
  }
}
