import { setTimeout as sleep } from 'node:timers/promises';
import { BatonError } from '../../lib/baton-error.ts';
import type { Version, WatchedChange, WatchMessage } from '../store.ts';
import type { EtcdCluster } from './cluster.ts';
import { toEtcdFailure, UnreliableMember } from './etcd-error.ts';
import type { EtcdKeys } from './keys.ts';
import type { Member } from './member.ts';
import { Event_EventType as EventType, type Event, type WatchResponse } from './rpc_pb.ts';
import { decodeValue, toVersion } from './stored-value.ts';

/** How often a watch asks its member whether it keeps up with the others. */
const CHECK_INTERVAL_MS = 5_000;
/** A member that needs longer than this for a linearizable read lags, or has no leader. */
const CHECK_TIMEOUT_MS = 2_500;
const RETRY_PAUSE_MS = 100;

/** {@link Store.watch} over etcd: goes on at another member, without a gap, when one fails or lags. */
export async function* watchEtcd(
  cluster: EtcdCluster,
  keys: EtcdKeys,
  prefix: string,
  from: Version,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  let seen = from;
  let strangers = 0;
  for (let turn = 0; !signal.aborted; turn++) {
    const member = cluster.memberFor(turn);
    try {
      for await (const message of watchMember(cluster, member, keys, prefix, seen, signal)) {
        strangers = 0;
        if (message.kind === 'swapped') seen = message.version;
        yield message;
        if (message.kind === 'start_again') return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = toEtcdFailure(error, member.name);
      if (failure.kind === 'final') throw failure.error;
      strangers = failure.kind === 'another_store' ? strangers + 1 : 0;
      // One member may have gone astray; when all say so, what was seen is void, and a read will say why.
      if (failure.kind === 'compacted' || strangers >= cluster.size) {
        yield { kind: 'start_again' };
        return;
      }
    }
    await sleep(RETRY_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function* watchMember(
  cluster: EtcdCluster,
  member: Member,
  keys: EtcdKeys,
  prefix: string,
  seen: Version,
  signal: AbortSignal,
): AsyncGenerator<WatchMessage> {
  // A version from the future comes from before a backup was restored: nothing about it is known here.
  const present = await checkMember(cluster, member, keys);
  if (BigInt(seen) > present) {
    yield { kind: 'start_again' };
    return;
  }
  using stream = openStream(signal);
  const watchdog = setInterval(() => {
    checkMember(cluster, member, keys).catch((error: unknown) => stream.abort(error));
  }, CHECK_INTERVAL_MS).unref();
  try {
    const headers = await cluster.headers(member, CHECK_TIMEOUT_MS);
    const request = { ...keys.withPrefix(prefix), startRevision: BigInt(seen + 1) };
    const responses = member.watch.watch(stream.requestOnce(request), { headers, signal: stream.signal });
    for await (const response of responses) {
      if (response.canceled) {
        if (response.compactRevision > 0n) yield { kind: 'start_again' };
        else throw toCancellation(response);
        return;
      }
      yield* toMessages(keys, response.events);
    }
  } finally {
    clearInterval(watchdog);
  }
}

/** A linearizable read through the member itself: its revision is one that the member has reached. */
async function checkMember(cluster: EtcdCluster, member: Member, keys: EtcdKeys): Promise<bigint> {
  const read = { key: keys.incarnation, keysOnly: true };
  const reply = await cluster.callMember(
    member,
    (_, options) => member.kv.range(read, options),
    CHECK_TIMEOUT_MS,
  );
  return reply.header?.revision ?? 0n;
}

function toCancellation({ cancelReason }: WatchResponse): Error {
  if (cancelReason.includes('PermissionDenied')) {
    return new BatonError('BATON_UNAUTHORIZED', 'etcd does not let this user watch the store', {
      detail: `etcd says: ${cancelReason}.`,
      hint: "The user needs a role that may read and write every key below the store's prefix.",
    });
  }
  return new UnreliableMember('try_again', `it ended the watch: ${cancelReason}`);
}

/** Everything that one transaction changed is one message. */
function* toMessages(keys: EtcdKeys, events: readonly Event[]): Generator<WatchMessage> {
  const swaps = Map.groupBy(events, ({ kv }) => kv?.modRevision ?? 0n);
  for (const [revision, changed] of swaps) {
    yield {
      kind: 'swapped',
      version: toVersion(revision),
      changes: changed.map((each) => toChange(keys, each)),
    };
  }
}

function toChange(keys: EtcdKeys, { type, kv }: Event): WatchedChange {
  if (kv === undefined) throw new UnreliableMember('try_again', 'it sent an event without a key');
  const value = type === EventType.DELETE ? null : decodeValue(kv).value;
  return { key: keys.dataKey(kv.key), value };
}

/** The request side of a stream stays open as long as the stream: etcd takes its end for the watcher's. */
function openStream(signal: AbortSignal) {
  const own = new AbortController();
  const end = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  return {
    signal: own.signal,
    abort: (reason: unknown) => own.abort(reason),
    async *requestOnce<T>(createRequest: T) {
      yield { requestUnion: { case: 'createRequest' as const, value: createRequest } };
      await new Promise<void>((resolve) => {
        if (own.signal.aborted) resolve();
        else own.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    },
    [Symbol.dispose]() {
      signal.removeEventListener('abort', end);
      own.abort();
    },
  };
}
