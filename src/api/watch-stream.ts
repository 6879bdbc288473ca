import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { GroupAddress } from './client.ts';
import type { GroupMessage, MonitorService } from './monitor-service.ts';

/** How often a stream that has nothing to tell says so: a client takes three missing pings for a dead connection. */
const PING_EVERY_MS = 2_000;

/** A client that leaves more messages unread is cut off: it comes back and begins with the present record. */
const UNREAD_LIMIT = 1_000;

/** How many events a client that comes back is told at most. */
const REPLAY_LIMIT = 1_000;

/**
 * Answers with a text/event-stream that never ends: the present record, what
 * was missed of the history since `Last-Event-ID`, and then everything as it
 * happens. Ids carry the incarnation of the store, since another store counts
 * from 1 again.
 */
export async function streamGroup(
  c: Context,
  monitor: MonitorService,
  { closing, ...address }: GroupAddress & { readonly closing: AbortSignal },
): Promise<Response> {
  const { incarnation } = await monitor.health();
  const after = missedSince(c.req.header('last-event-id'), incarnation);
  // Here, where an unknown group is still an answer and not a stream that breaks.
  await monitor.getGroup(address);
  return streamSSE(c, async (stream) => {
    const unread: GroupMessage[] = [];
    let wake: () => void = () => undefined;
    const stopWatching = monitor.watchGroup(address, (message) => {
      if (unread.length < UNREAD_LIMIT) unread.push(message);
      else cutOff();
      wake();
    });
    const cutOff = (): void => {
      stopWatching();
      stream.abort();
    };
    const interrupt = (): void => wake();
    stream.onAbort(interrupt);
    closing.addEventListener('abort', interrupt);
    try {
      const { record, record_version: version } = await monitor.getGroup(address);
      unread.unshift({ kind: 'record', version, record });
      // Behind the record and before what has come meanwhile: ids only grow.
      if (after !== undefined) unread.splice(1, 0, ...(await missedEvents(monitor, address, after, unread)));
      while (!stream.aborted && !closing.aborted) {
        const message = unread.shift();
        if (message !== undefined) await stream.writeSSE(toSse(message, incarnation));
        else if (!(await somethingWithin(PING_EVERY_MS, (callback) => (wake = callback)))) {
          await stream.writeSSE({ event: 'ping', data: '{}' });
        }
      }
    } finally {
      stopWatching();
      closing.removeEventListener('abort', interrupt);
    }
  });
}

/** Events since an id, without those that the watch has brought meanwhile. */
async function missedEvents(
  monitor: MonitorService,
  address: GroupAddress,
  after: number,
  unread: readonly GroupMessage[],
): Promise<readonly GroupMessage[]> {
  const events = await monitor.listEvents({ ...address, after, count: REPLAY_LIMIT });
  const brought = new Set(unread.map((message) => (message.kind === 'event' ? message.event.id : 0)));
  return events.filter(({ id }) => !brought.has(id)).map((event) => ({ kind: 'event', event }));
}

/** Whether the callback came before the time was up. */
function somethingWithin(ms: number, listen: (callback: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    listen(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

function missedSince(lastEventId: string | undefined, incarnation: string): number | undefined {
  const [seenIncarnation, id = ''] = lastEventId?.split('/') ?? [];
  return seenIncarnation === incarnation && /^\d{1,15}$/.test(id) ? Number(id) : undefined;
}

function toSse(message: GroupMessage, incarnation: string): { event: string; data: string; id?: string } {
  switch (message.kind) {
    case 'record':
      return { event: 'record', data: JSON.stringify({ version: message.version, record: message.record }) };
    case 'state':
      return { event: 'state', data: JSON.stringify(message.node) };
    case 'event':
      return {
        event: 'event',
        id: `${incarnation}/${message.event.id}`,
        data: JSON.stringify(message.event),
      };
  }
}
