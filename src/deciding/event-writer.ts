import type { GroupMessage } from '../api/monitor-service.ts';
import type { Note, Store } from '../store/store.ts';
import type { FaultLog } from './fault-log.ts';
import { toEvent, toNote, type NewEvent } from './group-events.ts';

/** Writes the history of a group and tells it to the watchers once it is written. */
export interface EventWriter {
  /** For events that go into the same transaction as a swap. */
  toNotes(events: readonly NewEvent[], version: number): readonly Note[];
  tellWritten(notes: readonly Note[], ids: readonly number[]): void;
  /** Keeps an event that has no swap of its own until the next {@link flush}. */
  add(event: NewEvent, version: number): void;
  /** Writes what was added. After a failure they are kept for the next time. */
  flush(): Promise<void>;
  hasUnwritten(): boolean;
}

/** A store that can't be written for long must not fill the memory; the newest events are worth most. */
const UNWRITTEN_LIMIT = 1_000;

export function createEventWriter(deps: {
  readonly store: Store;
  readonly faults: FaultLog;
  readonly wallClock: () => number;
  readonly tell: (message: GroupMessage) => void;
}): EventWriter {
  const { store, faults, wallClock, tell } = deps;
  let unwritten: readonly Note[] = [];

  function tellWritten(notes: readonly Note[], ids: readonly number[]): void {
    // Without the details: keepers have the record already, and wait for nothing else.
    for (const [index, { topic, atMs, text }] of notes.entries()) {
      const id = ids[index];
      if (id !== undefined) tell({ kind: 'event', event: toEvent({ topic, atMs, text, id }) });
    }
  }

  return {
    toNotes: (events, version) => events.map((event) => toNote(event, version, wallClock())),
    tellWritten,
    add(event, version) {
      unwritten = [...unwritten, toNote(event, version, wallClock())].slice(-UNWRITTEN_LIMIT);
    },
    async flush() {
      if (unwritten.length === 0) return;
      const notes = unwritten;
      try {
        const result = await store.swap({ changes: [], notes }, { timeoutMs: 5_000 });
        unwritten = unwritten.slice(notes.length);
        if (result.kind === 'written') tellWritten(notes, result.noteIds);
      } catch (error) {
        faults.failed(error, 'events could not be written');
      }
    },
    hasUnwritten: () => unwritten.length > 0,
  };
}
