import type { Deadline, Note, NoteQuery, StoredNote, Version } from '../store.ts';
import type { EtcdCluster } from './cluster.ts';
import { toBytes, toText, type EtcdKeys } from './keys.ts';
import {
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  type KeyValue,
} from './rpc_pb.ts';
import { toVersion } from './stored-value.ts';

/** One swap writes fewer notes than this: a transaction of etcd has 128 operations at most. */
const NOTES_A_SWAP_MAX = 128;
/** More notes than any store keeps. */
const MANY = 10_000_000;
/** Two deletions a note. */
const TRIMMED_AT_ONCE = 60;

/** Grows with the swaps, and within one swap with the place in its list. */
export function noteId(version: Version, index: number): number {
  return version * NOTES_A_SWAP_MAX + index;
}

export function encodeNote({ atMs, text }: Note): Uint8Array {
  return toBytes(JSON.stringify({ atMs, text }));
}

/** {@link Store.readNotes} over etcd. */
export async function readNotes(
  cluster: EtcdCluster,
  keys: EtcdKeys,
  query: NoteQuery,
  call: Deadline,
): Promise<readonly StoredNote[]> {
  const entries = await readRange(cluster, keys, 'notes', query, call);
  const notes = entries
    .map((entry) => toNote(keys, entry))
    .filter(({ id }) => id > (query.after ?? 0) && id < (query.before ?? Infinity))
    .toSorted((a, b) => a.id - b.id)
    .slice(-query.limit);
  if (query.details !== true) return notes;
  const details = new Map<number, string>();
  for (const entry of await readRange(cluster, keys, 'details', query, call)) {
    details.set(idOf(keys, entry), toText(entry.value));
  }
  return notes.map((note) => {
    const own = details.get(note.id);
    return own === undefined ? note : { ...note, details: own };
  });
}

/** {@link Store.trimNotes} over etcd. */
export async function trimNotes(
  cluster: EtcdCluster,
  keys: EtcdKeys,
  limits: { readonly olderThanMs: number; readonly keep: number },
  call: Deadline,
): Promise<number> {
  const entries = await readRange(cluster, keys, 'notes', { limit: MANY }, call);
  const excess = entries
    .toSorted((a, b) => idOf(keys, b) - idOf(keys, a))
    .filter((entry, index) => toNote(keys, entry).atMs < limits.olderThanMs || index >= limits.keep);
  for (let start = 0; start < excess.length; start += TRIMMED_AT_ONCE) {
    const success = excess.slice(start, start + TRIMMED_AT_ONCE).flatMap(({ key }) => {
      const { topic, swapId, index } = keys.parseNote(key);
      return [remove(key), remove(keys.details(topic, swapId, index))];
    });
    await cluster.call((member, options) => member.kv.txn({ success }, options), call);
  }
  return excess.length;
}

function remove(key: Uint8Array) {
  return { request: { case: 'requestDeleteRange', value: { key } } } as const;
}

/** The newest entries of the query, and more of the same swap, so that the limit can cut within it. */
async function readRange(
  cluster: EtcdCluster,
  keys: EtcdKeys,
  kind: 'notes' | 'details',
  { topic, after = 0, before, limit }: NoteQuery,
  call: Deadline,
): Promise<readonly KeyValue[]> {
  const request = {
    ...keys.notes(kind, topic),
    sortTarget: SortTarget.CREATE,
    sortOrder: SortOrder.DESCEND,
    limit: BigInt(limit + NOTES_A_SWAP_MAX),
    minCreateRevision: BigInt(Math.floor(after / NOTES_A_SWAP_MAX)),
    ...(before === undefined ? {} : { maxCreateRevision: BigInt(Math.floor(before / NOTES_A_SWAP_MAX)) }),
  };
  return (await cluster.call((member, options) => member.kv.range(request, options), call)).kvs;
}

function toNote(keys: EtcdKeys, entry: KeyValue): StoredNote {
  const { atMs, text } = JSON.parse(toText(entry.value)) as { atMs: number; text: string };
  return { id: idOf(keys, entry), topic: keys.parseNote(entry.key).topic, atMs, text };
}

function idOf(keys: EtcdKeys, { key, createRevision }: KeyValue): number {
  return noteId(toVersion(createRevision), keys.parseNote(key).index);
}
