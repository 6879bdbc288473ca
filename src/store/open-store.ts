import { BatonError } from '../lib/baton-error.ts';
import type { Store } from './store.ts';

/** Opens the store that several keepers share. Throws BATON_USAGE for a URI of no such store. */
export async function openStore(uri: string): Promise<Store> {
  await Promise.resolve();
  throw new BatonError('BATON_USAGE', `"${uri}" is not the URI of a store`, {
    hint: 'A store is named by etcd://host:2379,….',
  });
}
