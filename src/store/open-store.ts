import { BatonError } from '../lib/baton-error.ts';
import { openLazily } from './lazy-store.ts';
import type { Store } from './store.ts';

const FORM =
  'A store is named by etcd://host:2379,host:2379,…/prefix; the prefix is "pgbaton" when it is left out.';
const ETCD_PORT = 2379;

/** The members of an etcd, and below what everything of this store stands there. */
export interface EtcdAddress {
  readonly endpoints: readonly { readonly host: string; readonly port: number }[];
  readonly prefix: string;
}

/**
 * Opens the store that several keepers share; it need not be there yet. Throws
 * BATON_USAGE for a URI of no such store.
 */
export function openStore(uri: string): Store {
  const { endpoints, prefix } = parseStoreUri(uri);
  return openLazily(async (call) => {
    // Loaded here only: with a monitor nobody needs it, and gRPC takes megabytes.
    const { createEtcdStore } = await import('./etcd/etcd-store.ts');
    return createEtcdStore({ endpoints, prefix }, call);
  });
}

/** Throws BATON_USAGE, never quoting a password. */
export function parseStoreUri(uri: string): EtcdAddress {
  const match = /^etcd:\/\/([^/?@]+)(?:\/([\w./-]*))?$/.exec(uri);
  if (match === null) {
    const shown = uri.replace(/\/\/[^@/]*@/, '//…@');
    throw new BatonError('BATON_USAGE', `"${shown}" is not the URI of a store`, { hint: FORM });
  }
  const [, hosts = '', prefix = ''] = match;
  return { endpoints: hosts.split(',').map(parseEndpoint), prefix: prefix.replace(/\/+$/, '') || 'pgbaton' };
}

function parseEndpoint(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? ETCD_PORT);
  const host = match?.[1] ?? match?.[2];
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new BatonError('BATON_USAGE', `"${text}" is not a host and port of etcd`, { hint: FORM });
}
