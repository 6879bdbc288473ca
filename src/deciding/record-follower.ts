import { setTimeout as sleep } from 'node:timers/promises';
import { STORE_PATIENCE_MS } from '../core/be-primary.ts';
import { BatonError } from '../lib/baton-error.ts';
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
  /** What the store has; undefined: no record of the group. */
  readonly onRecord: (stored: StoredRecord | undefined) => void;
  /** Why the store is not believed; what it says is no sign of life then. */
  readonly refused: () => string | undefined;
}

/**
 * How often the store is asked for a sign of life, and for what a watch has
 * swallowed, ms. Well within the time after which it counts as away: else a
 * PostgreSQL that dies just before the next answer would be restarted in place
 * where another node could take over. Reading writes nothing.
 */
const ASK_EVERY_MS = STORE_PATIENCE_MS / 2;
const ASK = { timeoutMs: 2_000 };
const RETRY_MS = 500;

export function followRecord(options: RecordFollowerOptions): RecordFollower {
  const { store, onRecord } = options;
  const key = recordKey(options.formation, options.group);
  const stopped = new AbortController();
  const { signal } = stopped;
  const state = createLineState(options);
  let hasHeard = false;

  /** After what it said was passed on: that may be what makes it believed again. */
  function heard(): void {
    hasHeard = true;
    const refused = options.refused();
    if (refused === undefined) state.heard();
    else state.lost(new BatonError('BATON_STORE_OUTDATED', refused));
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
    for (const entry of entries) {
      if (entry.key === key) onRecord({ record: parseRecord(entry.value), version: entry.version });
    }
    heard();
    for await (const message of store.watch(key, version, signal)) {
      if (message.kind === 'start_again') return;
      for (const { key: changed, value } of message.changes) {
        if (changed === key && value !== null)
          onRecord({ record: parseRecord(value), version: message.version });
      }
      heard();
    }
  }

  async function ask(): Promise<void> {
    const stored = await store.get(key, ASK);
    onRecord(stored && { record: parseRecord(stored.value), version: stored.version });
    heard();
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
