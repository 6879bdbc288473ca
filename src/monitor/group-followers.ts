import { setTimeout as sleep } from 'node:timers/promises';
import type { GroupAddress } from '../api/client.ts';
import type { GroupMessage } from '../api/monitor-service.ts';
import { createHistoryReader } from '../deciding/history-reader.ts';
import type { StoreClient } from '../deciding/store-client.ts';
import { toBatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Follows groups for as long as somebody listens, each of them once for all who do. */
export interface GroupFollowers {
  /** Calls back for every message until the returned function is called. */
  follow(address: GroupAddress, listener: (message: GroupMessage) => void): () => void;
  close(): void;
}

export interface GroupFollowersDeps {
  /** Of the store and its keepers, as they are known now. */
  readonly client: () => Promise<StoreClient>;
  readonly store: Pick<Store, 'readNotes'>;
  readonly log: Logger;
}

interface Follower {
  readonly listeners: Set<(message: GroupMessage) => void>;
  readonly stopped: AbortController;
}

/** How often the history is read, also while no keeper is there to be listened to, ms. */
const EVENTS_EVERY_MS = 500;
/** Before another keeper is looked for, ms. */
const RETRY_MS = 250;
/** For so long one keeper is listened to: it may have lost the store while others have not, ms. */
const STRETCH_MS = 30_000;

export function createGroupFollowers({ client, store, log }: GroupFollowersDeps): GroupFollowers {
  const groups = new Map<string, Follower>();

  function begin(address: GroupAddress): Follower {
    const follower: Follower = { listeners: new Set(), stopped: new AbortController() };
    const { signal } = follower.stopped;
    const tell = (message: GroupMessage): void => {
      for (const listener of follower.listeners) listener(message);
    };
    void again(address, signal, RETRY_MS, async () => tellStates(await client(), address, signal, tell));
    const readNews = createHistoryReader(store, address);
    void again(address, signal, EVENTS_EVERY_MS, async () => {
      for (const event of await readNews()) tell({ kind: 'event', event });
    });
    return follower;
  }

  /** Until the signal aborts, whatever happens: a keeper or the store that is away may be there again. */
  async function again(
    address: GroupAddress,
    signal: AbortSignal,
    everyMs: number,
    work: () => Promise<void>,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        const { code, message } = toBatonError(error);
        if (!signal.aborted) log.debug({ ...address, code }, `the group can't be followed: ${message}`);
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  function end(key: string, { stopped }: Follower): void {
    stopped.abort();
    groups.delete(key);
  }

  return {
    follow(address, listener) {
      const key = `${address.formation}/${address.group}`;
      const follower = groups.get(key) ?? begin(address);
      groups.set(key, follower);
      follower.listeners.add(listener);
      return () => {
        follower.listeners.delete(listener);
        if (follower.listeners.size === 0 && groups.get(key) === follower) end(key, follower);
      };
    },
    close() {
      for (const [key, follower] of groups) end(key, follower);
    },
  };
}

/** Records and states, as one keeper tells them. */
async function tellStates(
  client: StoreClient,
  address: GroupAddress,
  signal: AbortSignal,
  tell: (message: GroupMessage) => void,
): Promise<void> {
  const stretch = AbortSignal.any([signal, AbortSignal.timeout(STRETCH_MS)]);
  for await (const event of client.watchKeeper(address, stretch)) {
    if (event.kind === 'record' || event.kind === 'state') tell(event);
    // States may have changed while no keeper was listened to.
    if (event.kind === 'connected')
      for (const node of (await client.getGroup(address)).nodes) tell({ kind: 'state', node });
  }
}
