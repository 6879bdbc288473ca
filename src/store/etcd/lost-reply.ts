import { BatonError } from '../../lib/baton-error.ts';
import type { Change, Deadline, Swap } from '../store.ts';
import { EtcdAnswer, type EtcdCluster } from './cluster.ts';
import type { EtcdKeys } from './keys.ts';
import type { KeyValue } from './rpc_pb.ts';
import { decodeValue } from './stored-value.ts';

interface Context {
  readonly cluster: EtcdCluster;
  readonly keys: EtcdKeys;
}

/** How many writes that came later are looked behind. */
const STEPS_BACK_MAX = 32;

/**
 * Whether a swap was written whose first reply was lost and whose repetition
 * was refused: its revision, or undefined when it certainly was not written.
 * Rejects with BATON_STORE_UNAVAILABLE when neither can be shown any more.
 */
export async function settleUncertainSwap(
  context: Context,
  swap: Swap,
  swapId: string,
  call: Deadline,
): Promise<bigint | undefined> {
  const endsAtMs = performance.now() + call.timeoutMs;
  const left = (): Deadline => ({ timeoutMs: Math.max(0, endsAtMs - performance.now()) });
  const [note] = swap.notes ?? [];
  if (note !== undefined) {
    // Nobody writes over a note, so it is there if and only if its swap was written.
    return (await readKey(context, context.keys.note(note.topic, swapId, 0), left()))?.createRevision;
  }
  for (const change of swap.changes) {
    const found = await findInHistory(context, change, swapId, left);
    if (found !== 'unknown') return found;
  }
  if (swap.changes.length === 0) return undefined;
  throw new BatonError('BATON_STORE_UNAVAILABLE', 'etcd can not tell whether a swap was written', {
    detail: 'Its reply was lost, and what it changed has been changed again since.',
    hint: 'Read before you write again.',
  });
}

/** Goes back from the present entry to the one that the swap has, or would have, written over. */
async function findInHistory(
  context: Context,
  { key, expected, value }: Change,
  swapId: string,
  left: () => Deadline,
): Promise<bigint | 'unknown' | undefined> {
  const bytes = context.keys.data(key);
  let entry = await readKey(context, bytes, left());
  for (let step = 0; step < STEPS_BACK_MAX; step++) {
    // While the version stands that the swap rests on, the swap has not been written.
    if ((entry === undefined ? null : Number(entry.modRevision)) === expected) {
      // A key that is absent again may have been there in between.
      return expected === null ? 'unknown' : undefined;
    }
    if (entry === undefined || value === null) return 'unknown';
    if (decodeValue(entry).swapId === swapId) return entry.modRevision;
    try {
      entry = await readKey(context, bytes, left(), entry.modRevision - 1n);
    } catch (error) {
      if (error instanceof EtcdAnswer && error.kind === 'compacted') return 'unknown';
      throw error;
    }
  }
  return 'unknown';
}

async function readKey(
  { cluster }: Context,
  key: Uint8Array,
  call: Deadline,
  revision = 0n,
): Promise<KeyValue | undefined> {
  const reply = await cluster.call((member, options) => member.kv.range({ key, revision }, options), call);
  return reply.kvs[0];
}
