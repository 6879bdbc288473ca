import { createLocalStore } from './local-store.ts';
import { openSqliteBackend } from './sqlite-backend.ts';
import type { Store, StoreClock } from './store.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/**
 * The store of the monitor: one SQLite file, made when it is missing. Only one
 * process can have it open. Throws BATON_ALREADY_RUNNING when another has, and
 * BATON_STORE_UNAVAILABLE when the file can't be used or is from a newer version.
 */
export function openSqliteStore(file: string, options: { readonly clock?: StoreClock } = {}): Store {
  return createLocalStore(openSqliteBackend(file), options.clock ?? SYSTEM_CLOCK);
}
