import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchEvent } from '../api/group-watch.ts';
import type { HistoryReader } from './history-reader.ts';

/** How often the history is read, ms. */
const EVERY_MS = 200;

/**
 * What one keeper tells of a group, with the events of the store in place of
 * its own: a keeper tells only those that it has written itself, and any of
 * them may decide next. Ends when the keeper's messages do.
 */
export async function* withHistory(
  watch: (signal: AbortSignal) => AsyncIterable<WatchEvent>,
  readNews: HistoryReader,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, void> {
  const left = new AbortController();
  const messages = watch(AbortSignal.any([signal, left.signal]))[Symbol.asyncIterator]();
  let next = listen(messages);
  let readAtMs = -Infinity;
  try {
    for (;;) {
      if (performance.now() - readAtMs >= EVERY_MS) {
        // Where the store is away the keeper still tells what it sees, and the history is told later.
        for (const event of await readNews().catch(() => [])) yield { kind: 'event', event };
        readAtMs = performance.now();
      }
      const message = await Promise.race([next, sleep(EVERY_MS, undefined, { ref: false })]);
      if (message === undefined) continue;
      if (message.done === true) return;
      next = listen(messages);
      if (message.value.kind !== 'event') yield message.value;
    }
  } finally {
    left.abort();
  }
}

/** A connection that breaks is told when it is waited for: it may break while the history is read, or when nobody listens any more. */
function listen(messages: AsyncIterator<WatchEvent, void>): Promise<IteratorResult<WatchEvent, void>> {
  const next = messages.next();
  next.catch(() => undefined);
  return next;
}
