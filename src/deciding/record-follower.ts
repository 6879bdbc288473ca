import { setTimeout as sleep } from 'node:timers/promises';
import { createLineState, type LineStateOptions } from '../lib/line-state.ts';
import type { Store } from '../store/store.ts';
import { parseRecord, type StoredRecord } from './record-cell.ts';
import { recordKey } from './record-key.ts';

/** Follows a record in a store that others write too, and knows whether the store is there. */
export interface RecordFollower {
  /** Since the store last gave a sign of life, ms. */
  silentMs(): number;
  /** Whether it has given one at all. */
  hasHeard(): boolean;
  close(): Promise<void>;
}

export interface RecordFollowerOptions extends LineStateOptions {
  readonly store: Store;
  readonly formation: string;
  readonly group: number;
  readonly onRecord: (stored: StoredRecord) => void;
}

/** How often the store is asked for a sign of life, and for what a watch has swallowed, ms. Reading writes nothing. */
const ASK_EVERY_MS = 2_000;
const ASK = { timeoutMs: 2_000 };
const RETRY_MS = 500;

export function followRecord(options: RecordFollowerOptions): RecordFollower {
  const { store, onRecord } = options;
  const key = recordKey(options.formation, options.group);
  const stopped = new AbortController();
  const { signal } = stopped;
  const state = createLineState(options);
  let hasHeard = false;

  function heard(): void {
    hasHeard = true;
    state.heard();
  }

  /** Until the signal aborts, whatever happens. */
  async function again(everyMs: number, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (!signal.aborted) state.lost(error);
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async function watch(): Promise<void> {
    const { version, entries } = await store.list(key, ASK);
    heard();
    for (const entry of entries) {
      if (entry.key === key) onRecord({ record: parseRecord(entry.value), version: entry.version });
    }
    for await (const message of store.watch(key, version, signal)) {
      if (message.kind === 'start_again') return;
      heard();
      for (const { key: changed, value } of message.changes) {
        if (changed === key && value !== null)
          onRecord({ record: parseRecord(value), version: message.version });
      }
    }
  }

  async function ask(): Promise<void> {
    const stored = await store.get(key, ASK);
    heard();
    if (stored !== undefined) onRecord({ record: parseRecord(stored.value), version: stored.version });
  }

  const loops = [again(RETRY_MS, watch), again(ASK_EVERY_MS, ask)];

  return {
    silentMs: () => state.silentMs(),
    hasHeard: () => hasHeard,
    async close() {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}
