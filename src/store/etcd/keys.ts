import type { RangeRequest } from './rpc_pb.ts';

/** Where things stand in etcd, below one prefix of its own for each store. */
export interface EtcdKeys {
  readonly incarnation: Uint8Array;
  data(key: string): Uint8Array;
  /** The inverse of {@link EtcdKeys.data}. */
  dataKey(key: Uint8Array): string;
  /** Exists as long as the lease does, so that a transaction can ask for it. */
  lease(id: number): Uint8Array;
  note(topic: string, swapId: string, index: number): Uint8Array;
  /** What a note has beside its text, apart so that it is only read when it is asked for. */
  details(topic: string, swapId: string, index: number): Uint8Array;
  /** All notes, or all details, of a topic and those below it. */
  notes(kind: 'notes' | 'details', topic: string | undefined): KeyRange;
  /** The parts of the key of a note, or of its details. */
  parseNote(key: Uint8Array): { readonly topic: string; readonly swapId: string; readonly index: number };
  withPrefix(prefix: string): KeyRange;
}

export type KeyRange = Pick<RangeRequest, 'key' | 'rangeEnd'>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function createEtcdKeys(prefix: string): EtcdKeys {
  const root = `/${prefix.split('/').filter(Boolean).join('/')}/`.replace('//', '/');
  const key = (path: string) => toBytes(`${root}${path}`);
  return {
    incarnation: key('incarnation'),
    data: (name) => key(`data/${name}`),
    dataKey: (bytes) => toText(bytes).slice(`${root}data/`.length),
    lease: (id) => key(`leases/${id}`),
    note: (topic, swapId, index) => key(`notes/${topic}/${swapId}.${index}`),
    details: (topic, swapId, index) => key(`details/${topic}/${swapId}.${index}`),
    notes: (kind, topic) => everyKeyAfter(key(topic === undefined ? `${kind}/` : `${kind}/${topic}/`)),
    parseNote(bytes) {
      const path = toText(bytes).slice(root.length);
      const [, topic = '', swapId = '', index = ''] = /^[a-z]+\/(.*)\/([^/.]+)\.(\d+)$/.exec(path) ?? [];
      return { topic, swapId, index: Number(index) };
    },
    withPrefix: (name) => everyKeyAfter(key(`data/${name}`)),
  };
}

/** The range of all keys that begin with `prefix`. UTF-8 has no byte 255, so the last one can always be raised. */
function everyKeyAfter(prefix: Uint8Array): KeyRange {
  const rangeEnd = prefix.slice();
  rangeEnd[rangeEnd.length - 1] = (rangeEnd.at(-1) ?? 0) + 1;
  return { key: prefix, rangeEnd };
}
