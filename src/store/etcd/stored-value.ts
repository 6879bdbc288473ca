import type { Version, Versioned } from '../store.ts';
import { toBytes, toText } from './keys.ts';
import type { KeyValue } from './rpc_pb.ts';

/**
 * What stands under a key: the value, and before it a line with the id of the
 * swap that wrote it. By the id the writer recognises its own swap when the
 * reply was lost; the value alone would not do, for another may write the same.
 */
export interface StoredValue extends Versioned {
  readonly swapId: string;
}

export function encodeValue(swapId: string, value: string): Uint8Array {
  return toBytes(`${swapId}\n${value}`);
}

export function decodeValue(entry: KeyValue): StoredValue {
  const text = toText(entry.value);
  const end = text.indexOf('\n');
  return { swapId: text.slice(0, end), value: text.slice(end + 1), version: toVersion(entry.modRevision) };
}

/** A store's version is etcd's revision; a number counts far enough for a million swaps a second in 285 years. */
export function toVersion(revision: bigint): Version {
  return Number(revision);
}
