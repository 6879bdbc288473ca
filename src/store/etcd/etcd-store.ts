import { randomUUID } from 'node:crypto';
import { BatonError } from '../../lib/baton-error.ts';
import type { Deadline, Store, StoreClock } from '../store.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { createEtcdCluster, type EtcdCluster, type EtcdCredentials } from './cluster.ts';
import { discoverEndpoints } from './discovery.ts';
import { createEtcdKeys, toBytes, toText, type EtcdKeys } from './keys.ts';
import { grantEtcdLease } from './leases.ts';
import type { EtcdEndpoint, EtcdTls } from './member.ts';
import { readNotes, trimNotes } from './notes.ts';
import { Compare_CompareTarget as CompareTarget } from './rpc_pb.ts';
import { decodeValue, toVersion } from './stored-value.ts';
import { swapInEtcd } from './swap.ts';
import { watchEtcd } from './watch.ts';

export interface EtcdStoreOptions {
  readonly endpoints: readonly EtcdEndpoint[];
  /** The domain whose SRV records name the members; then no endpoint needs to be given. */
  readonly discoveryDomain?: string | undefined;
  /** Everything of the store stands below it; several stores can share one etcd. */
  readonly prefix: string;
  readonly tls?: EtcdTls | undefined;
  readonly credentials?: EtcdCredentials | undefined;
  readonly clock?: StoreClock;
}

/**
 * The store in an etcd cluster (v3 API, 3.4 or newer), made when it is missing.
 * Rejects as {@link Store.get} does when etcd does not answer in time.
 */
export async function createEtcdStore(options: EtcdStoreOptions, call: Deadline): Promise<Store> {
  const { discoveryDomain, tls, credentials } = options;
  const discovered =
    discoveryDomain === undefined ? [] : await discoverEndpoints(discoveryDomain, tls !== undefined, call);
  const cluster = createEtcdCluster({ endpoints: [...options.endpoints, ...discovered], tls, credentials });
  const keys = createEtcdKeys(options.prefix);
  try {
    const identity = await openIdentity(cluster, keys, call);
    return createStore(cluster, keys, options.clock ?? SYSTEM_CLOCK, identity);
  } catch (error) {
    cluster.close();
    throw error;
  }
}

interface Identity {
  readonly incarnation: string;
  readonly madeAt: bigint;
}

/** Reads who the store is, or makes it. The cluster's own id is a part of it: a restored copy of the data has another. */
async function openIdentity(cluster: EtcdCluster, keys: EtcdKeys, call: Deadline): Promise<Identity> {
  const key = keys.incarnation;
  const value = toBytes(randomUUID());
  const read = { request: { case: 'requestRange', value: { key } } } as const;
  const reply = await cluster.call(
    (member, callOptions) =>
      member.kv.txn(
        {
          compare: [
            { key, target: CompareTarget.CREATE, targetUnion: { case: 'createRevision', value: 0n } },
          ],
          success: [{ request: { case: 'requestPut', value: { key, value } } }, read],
          failure: [read],
        },
        callOptions,
      ),
    call,
  );
  const last = reply.responses.at(-1)?.response;
  const entry = last?.case === 'responseRange' ? last.value.kvs[0] : undefined;
  if (entry === undefined)
    throw new BatonError('BATON_INTERNAL', 'etcd answered without the entry asked for');
  const clusterId = (reply.header?.clusterId ?? 0n).toString(16);
  return { incarnation: `${toText(entry.value)}@${clusterId}`, madeAt: entry.createRevision };
}

function createStore(cluster: EtcdCluster, keys: EtcdKeys, clock: StoreClock, identity: Identity): Store {
  const closing = new AbortController();
  const context = { cluster, keys, clock, madeAt: identity.madeAt };
  return {
    incarnation: identity.incarnation,
    async get(key, call) {
      const request = { key: keys.data(key) };
      const { kvs } = await cluster.call((member, options) => member.kv.range(request, options), call);
      return kvs[0] && strip(decodeValue(kvs[0]));
    },
    async list(prefix, call) {
      const request = keys.withPrefix(prefix);
      const { header, kvs } = await cluster.call(
        (member, options) => member.kv.range(request, options),
        call,
      );
      return {
        version: toVersion(header?.revision ?? 0n),
        entries: kvs.map((entry) => ({ key: keys.dataKey(entry.key), ...strip(decodeValue(entry)) })),
      };
    },
    swap: (swap, call) => swapInEtcd(context, swap, call),
    lease: (ttlMs, call) => grantEtcdLease(context, ttlMs, call),
    watch: (prefix, from, signal) =>
      watchEtcd(cluster, keys, prefix, from, AbortSignal.any([signal, closing.signal])),
    readNotes: (query, call) => readNotes(cluster, keys, query, call),
    trimNotes: (limits, call) => trimNotes(cluster, keys, limits, call),
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      closing.abort();
      cluster.close();
    },
  };
}

function strip({ value, version }: { readonly value: string; readonly version: number }) {
  return { value, version };
}
