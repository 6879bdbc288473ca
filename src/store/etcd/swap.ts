import type { MessageInitShape } from '@bufbuild/protobuf';
import { randomUUID } from 'node:crypto';
import { StoreReplaced } from '../store-replaced.ts';
import type { Deadline, Lease, StoreClock, Swap, SwapResult, Version } from '../store.ts';
import { EtcdAnswer, type EtcdCluster } from './cluster.ts';
import { toBytes, type EtcdKeys } from './keys.ts';
import { settleUncertainSwap } from './lost-reply.ts';
import { encodeNote, noteId } from './notes.ts';
import {
  Compare_CompareResult as CompareResult,
  Compare_CompareTarget as CompareTarget,
  type TxnRequestSchema,
  type TxnResponse,
} from './rpc_pb.ts';
import { decodeValue, encodeValue, toVersion } from './stored-value.ts';

export interface SwapContext {
  readonly cluster: EtcdCluster;
  readonly keys: EtcdKeys;
  readonly clock: StoreClock;
  /** The revision that made the store: one that was wiped and made again has another. */
  readonly madeAt: bigint;
}

/** What a swap rests on. */
interface Basis {
  readonly versions: readonly { readonly key: string; readonly expected: Version | null }[];
  readonly leases: readonly Lease[];
}

type TxnInit = MessageInitShape<typeof TxnRequestSchema>;

/**
 * One transaction. The same request is sent again when a reply does not come:
 * every change rests on the version that it expects, so at most one of the
 * copies is written, and the id in what it wrote tells whose it was.
 */
export async function swapInEtcd(context: SwapContext, swap: Swap, call: Deadline): Promise<SwapResult> {
  const { cluster, clock } = context;
  const endsAtMs = performance.now() + call.timeoutMs;
  const swapId = randomUUID();
  const basis = basisOf(swap);
  // What its holder has given up must not be relied on, though etcd may still keep it.
  if (basis.leases.some((lease) => clock.now() >= lease.heldUntilMs())) return { kind: 'lease_lost' };
  const request = toTxn(context, swap, swapId, basis);
  let attempts = 0;
  const outcome = await cluster
    .call((member, options) => {
      attempts++;
      return member.kv.txn(request, options);
    }, call)
    .then(
      (reply) =>
        reply.succeeded ? written(swap, reply.header?.revision ?? 0n) : explainFailure(reply, basis),
      ifLeaseNotFound,
    );
  if (outcome?.kind === 'written') return outcome;
  if (attempts > 1) {
    const timeoutMs = Math.max(0, endsAtMs - performance.now());
    const ownRevision = await settleUncertainSwap(context, swap, swapId, { timeoutMs });
    if (ownRevision !== undefined) return written(swap, ownRevision);
  }
  if (outcome !== undefined) return outcome;
  throw new StoreReplaced('the store in etcd has been removed or made anew', {
    hint: 'What was known of it is void.',
  });
}

function basisOf(swap: Swap): Basis {
  const guards = swap.guards ?? [];
  return {
    versions: [...swap.changes, ...guards.filter((guard) => guard.kind === 'version')],
    leases: [
      ...swap.changes.flatMap(({ lease }) => (lease ? [lease] : [])),
      ...guards.flatMap((guard) => (guard.kind === 'lease' ? [guard.lease] : [])),
    ],
  };
}

function written(swap: Swap, revision: bigint): SwapResult {
  const version = toVersion(revision);
  return { kind: 'written', version, noteIds: (swap.notes ?? []).map((_, index) => noteId(version, index)) };
}

function ifLeaseNotFound(error: unknown): SwapResult {
  if (error instanceof EtcdAnswer && error.kind === 'lease_not_found') return { kind: 'lease_lost' };
  throw error;
}

function toTxn({ keys, madeAt }: SwapContext, swap: Swap, swapId: string, basis: Basis): TxnInit {
  const compare: TxnInit['compare'] = [createdAt(keys.incarnation, madeAt)];
  const failure: TxnInit['success'] = [read(keys.incarnation)];
  for (const { id } of basis.leases) {
    compare.push({ ...createdAt(keys.lease(id), 0n), result: CompareResult.NOT_EQUAL });
    failure.push(read(keys.lease(id)));
  }
  for (const { key, expected } of basis.versions) {
    // The revision of a key that is absent counts as 0.
    const targetUnion = { case: 'modRevision', value: BigInt(expected ?? 0) } as const;
    compare.push({ key: keys.data(key), target: CompareTarget.MOD, targetUnion });
    failure.push(read(keys.data(key)));
  }
  const success: TxnInit['success'] = swap.changes.map(({ key, value, lease }) =>
    value === null
      ? { request: { case: 'requestDeleteRange', value: { key: keys.data(key) } } }
      : put(keys.data(key), encodeValue(swapId, value), lease?.id),
  );
  for (const [index, note] of (swap.notes ?? []).entries()) {
    const key = keys.note(note.topic, swapId, index);
    // A second copy of the request must not write over the first, and take another place in history.
    compare.push(createdAt(key, 0n));
    success.push(put(key, encodeNote(note)));
    if (note.details !== undefined) {
      success.push(put(keys.details(note.topic, swapId, index), toBytes(note.details)));
    }
  }
  return { compare, success, failure };
}

function createdAt(key: Uint8Array, revision: bigint) {
  const targetUnion = { case: 'createRevision', value: revision } as const;
  return { key, target: CompareTarget.CREATE, targetUnion };
}

function read(key: Uint8Array) {
  return { request: { case: 'requestRange', value: { key } } } as const;
}

function put(key: Uint8Array, value: Uint8Array, lease?: number) {
  return { request: { case: 'requestPut', value: { key, value, lease: BigInt(lease ?? 0) } } } as const;
}

/**
 * Finds what of the basis did not hold: the reply has the present entries, in
 * the order in which they were asked for. Undefined: all of it holds, so it was
 * the mark of the store itself, or a note of the same swap that is there already.
 */
function explainFailure(reply: TxnResponse, { versions, leases }: Basis): SwapResult | undefined {
  const [, ...entries] = reply.responses.map(({ response }) =>
    response.case === 'responseRange' ? response.value.kvs[0] : undefined,
  );
  if (leases.some((_, index) => entries[index] === undefined)) return { kind: 'lease_lost' };
  for (const [index, { key, expected }] of versions.entries()) {
    const entry = entries[leases.length + index];
    const current = entry && decodeValue(entry);
    if ((current?.version ?? null) !== expected) {
      return {
        kind: 'conflict',
        key,
        current: current && { value: current.value, version: current.version },
      };
    }
  }
  return undefined;
}
