import { createLocalStore } from './local-store.ts';
import { createMemoryBackend } from './memory-backend.ts';
import type { Store, StoreClock } from './store.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** A store that forgets everything with its process: for tests and the simulator. */
export function createMemoryStore(options: { readonly clock?: StoreClock } = {}): Store {
  return createLocalStore(createMemoryBackend(), options.clock ?? SYSTEM_CLOCK);
}
