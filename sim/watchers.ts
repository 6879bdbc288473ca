import type { NodeId } from '../src/core/group-record.ts';
import type { VirtualProcess } from './process.ts';
import { MONITOR } from './virtual-network.ts';
import type { StoredRecord } from './virtual-store.ts';
import type { World } from './world.ts';

/** What a watch brings; undefined: only that the other end is there. */
export type Deliver = (stored: StoredRecord | undefined) => void;

/** The streams of records from a home to the keepers. */
export interface Watchers {
  /** Follows the record for a keeper, as long as the keeper's line lasts. */
  subscribe(node: NodeId, present: StoredRecord, deliver: Deliver): () => void;
  push(stored: StoredRecord): void;
  /** To be called in each life of the process. */
  begin(): void;
  /** The streams are gone, and their other ends do not know. */
  drop(): void;
}

const PING_MS = 2_000;

export function createWatchers({ network }: World, process: VirtualProcess): Watchers {
  const subscribers = new Map<NodeId, Deliver>();

  function pushTo(node: NodeId, news: StoredRecord | undefined): void {
    const deliver = subscribers.get(node);
    if (deliver === undefined) return;
    const isOver = (): boolean => subscribers.get(node) !== deliver;
    network.stream(MONITOR, node, isOver, () => deliver(news));
  }

  function pushToAll(news: StoredRecord | undefined): void {
    for (const node of subscribers.keys()) pushTo(node, news);
  }

  function ping(): void {
    pushToAll(undefined);
    process.after(PING_MS, ping);
  }

  return {
    subscribe(node, present, deliver) {
      subscribers.set(node, deliver);
      pushTo(node, present);
      return () => {
        if (subscribers.get(node) === deliver) subscribers.delete(node);
      };
    },
    push: pushToAll,
    begin: () => process.after(PING_MS, ping),
    drop: () => subscribers.clear(),
  };
}
