import type { GroupAddress } from '../api/client.ts';
import type { EventBody } from '../api/schemas.ts';
import type { Store } from '../store/store.ts';
import { readEvents } from './group-events.ts';

/** What has come into the history of a group since the last call; nothing at the first. Throws what the store throws, and tells it later then. */
export type HistoryReader = () => Promise<readonly EventBody[]>;

const EVENTS_AT_ONCE = 1_000;

export function createHistoryReader(store: Pick<Store, 'readNotes'>, address: GroupAddress): HistoryReader {
  let after: number | undefined;
  return async () => {
    const isFirst = after === undefined;
    const since = isFirst ? { count: 1 } : { after, count: EVENTS_AT_ONCE };
    const events = await readEvents(store, { ...address, ...since });
    after = events.at(-1)?.id ?? after ?? 0;
    return isFirst ? [] : events;
  };
}
