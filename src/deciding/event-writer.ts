import type { GroupMessage } from '../api/monitor-service.ts';
import type { Note, Store } from '../store/store.ts';
import type { FaultLog } from './fault-log.ts';
import { toEvent, toNote, type NewEvent } from './group-events.ts';

/** Writes the history of a group and tells it to the watchers once it is written. */
export interface EventWriter {
  /** What a swap takes along: its own events, behind those that wait. To be {@link written} once it is. */
  takeAlong(events: readonly NewEvent[], version: number): readonly Note[];
  written(notes: readonly Note[], ids: readonly number[]): void;
  /** Keeps an event that has no swap of its own until the next one, or the next {@link flush}. */
  add(event: NewEvent, version: number): void;
  /** Writes what was added. After a failure it is kept for the next time. */
  flush(): Promise<void>;
  hasUnwritten(): boolean;
  /** For how long the oldest of what was added has waited, ms; 0: nothing waits. */
  waitingMs(): number;
}

/** A store that can't be written for long must not fill the memory; the newest events are worth most. */
const UNWRITTEN_LIMIT = 1_000;
/** Far fewer operations than etcd takes in one transaction (128). */
const NOTES_AT_ONCE = 40;

export function createEventWriter(deps: {
  readonly store: Store;
  readonly faults: FaultLog;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly tell: (message: GroupMessage) => void;
}): EventWriter {
  const { store, faults, now, wallClock, tell } = deps;
  let unwritten: readonly { readonly note: Note; readonly sinceMs: number }[] = [];

  const oldest = (): readonly Note[] => unwritten.slice(0, NOTES_AT_ONCE).map(({ note }) => note);

  function written(notes: readonly Note[], ids: readonly number[]): void {
    unwritten = unwritten.filter(({ note }) => !notes.includes(note));
    // Without the details: keepers have the record already, and wait for nothing else.
    for (const [index, { topic, atMs, text }] of notes.entries()) {
      const id = ids[index];
      if (id !== undefined) tell({ kind: 'event', event: toEvent({ topic, atMs, text, id }) });
    }
  }

  return {
    takeAlong: (events, version) => [
      ...oldest(),
      ...events.map((event) => toNote(event, version, wallClock())),
    ],
    written,
    add(event, version) {
      const added = { note: toNote(event, version, wallClock()), sinceMs: now() };
      unwritten = [...unwritten, added].slice(-UNWRITTEN_LIMIT);
    },
    async flush() {
      try {
        while (unwritten.length > 0) {
          const notes = oldest();
          const result = await store.swap({ changes: [], notes }, { timeoutMs: 5_000 });
          written(notes, result.kind === 'written' ? result.noteIds : []);
        }
      } catch (error) {
        faults.failed(error, 'events could not be written');
      }
    },
    hasUnwritten: () => unwritten.length > 0,
    waitingMs: () => (unwritten[0] === undefined ? 0 : now() - unwritten[0].sinceMs),
  };
}
