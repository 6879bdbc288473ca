import { readEtcdAccess } from '../config/etcd-access.ts';
import { parseEtcdUri } from '../config/etcd-uri.ts';
import { openLazily } from '../store/lazy-store.ts';
import type { Store } from '../store/store.ts';

/**
 * Opens the store that the keepers of a group share; it need not be there yet.
 * Throws BATON_USAGE for a URI of no such store, and BATON_CONFIG_INVALID for
 * files that it names and that can't be used.
 */
export function openStore(uri: string, env: Readonly<Record<string, string | undefined>>): Store {
  const access = readEtcdAccess(parseEtcdUri(uri), env);
  return openLazily(async (call) => {
    // Loaded here only: with a monitor nobody needs it, and gRPC takes megabytes.
    const { createEtcdStore } = await import('../store/etcd/etcd-store.ts');
    return createEtcdStore(access, call);
  });
}
