import type { CallOptions } from '@connectrpc/connect';
import { randomInt } from 'node:crypto';
import { createLeaseHolder } from '../lease-holder.ts';
import type { Deadline, Lease, StoreClock } from '../store.ts';
import { EtcdAnswer, type EtcdCluster } from './cluster.ts';
import { UnreliableMember } from './etcd-error.ts';
import type { EtcdKeys } from './keys.ts';
import type { Member } from './member.ts';

interface Context {
  readonly cluster: EtcdCluster;
  readonly keys: EtcdKeys;
  readonly clock: StoreClock;
}

/** etcd counts in whole seconds. */
const SECOND_MS = 1_000;
/** The largest range that randomInt has. */
const LEASE_IDS = 2 ** 48 - 1;

export async function grantEtcdLease(context: Context, ttlMs: number, call: Deadline): Promise<Lease> {
  const { cluster, keys, clock } = context;
  const askedAtMs = clock.now();
  const endsAtMs = performance.now() + call.timeoutMs;
  const seconds = Math.ceil(ttlMs / SECOND_MS);
  const granted = await cluster.call(
    // A number of our own and a new one with each attempt: one whose reply is lost ends by itself, unused.
    (member, options) =>
      member.lease.leaseGrant({ TTL: BigInt(seconds), ID: BigInt(randomInt(1, LEASE_IDS)) }, options),
    call,
  );
  const id = Number(granted.ID);
  const key = keys.lease(id);
  const put = { key, value: new Uint8Array(), lease: granted.ID };
  const success = [{ request: { case: 'requestPut', value: put } as const }];
  const timeoutMs = Math.max(0, endsAtMs - performance.now());
  await cluster.call((member, options) => member.kv.txn({ success }, options), { timeoutMs });
  return createLeaseHolder({
    id,
    ttlMs,
    askedAtMs,
    clock,
    renew: (renewal) => cluster.call((member, options) => renew(member, options, id, key), renewal),
    end: (release) => revoke(cluster, id, release),
  });
}

/** False: the lease has ended. */
async function renew(member: Member, options: CallOptions, id: number, key: Uint8Array): Promise<boolean> {
  const reply = await first(member.lease.leaseKeepAlive(once({ ID: BigInt(id) }), options));
  if (reply === undefined || reply.TTL <= 0n) return false;
  // The reply comes from memory of the leader alone. One that has been deposed, and hangs or is cut off, gives
  // it as well; only a read that a majority has confirmed shows that the leader was still the leader.
  const proof = await member.kv.range({ key, keysOnly: true }, options);
  if (proof.header?.raftTerm !== reply.header?.raftTerm) {
    throw new UnreliableMember('try_again', 'the leader changed while the lease was renewed');
  }
  return proof.kvs.length > 0;
}

async function revoke(cluster: EtcdCluster, id: number, call: Deadline): Promise<void> {
  try {
    await cluster.call((member, options) => member.lease.leaseRevoke({ ID: BigInt(id) }, options), call);
  } catch (error) {
    if (!(error instanceof EtcdAnswer && error.kind === 'lease_not_found')) throw error;
  }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  await Promise.resolve();
  yield value;
}

async function first<T>(values: AsyncIterable<T>): Promise<T | undefined> {
  for await (const value of values) return value;
  return undefined;
}
