import type { IncomingMessage } from 'node:http';
import type { GroupRecord } from '../core/group-record.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import { EventBody, NodeView, RecordEventBody } from './schemas.ts';
import { createSseParser, type SseMessage } from './sse-parser.ts';
import type { Transport } from './transport.ts';

/** What a watcher of a group is told, in order. */
export type WatchEvent =
  /** The monitor was reached; the present record follows. */
  | { readonly kind: 'connected' }
  /** The connection is lost, and is tried again at once and then at growing distances. */
  | { readonly kind: 'disconnected'; readonly error: BatonError }
  | { readonly kind: 'record'; readonly version: number; readonly record: GroupRecord }
  /** The reported or assigned state of a node has changed. */
  | { readonly kind: 'state'; readonly node: NodeView }
  | { readonly kind: 'event'; readonly event: EventBody };

export interface WatchTimes {
  readonly connectTimeoutMs: number;
  /** The monitor pings every 2 s: a connection that is silent for longer than this is dead. */
  readonly idleTimeoutMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export const WATCH_TIMES: WatchTimes = {
  connectTimeoutMs: 5_000,
  idleTimeoutMs: 6_000,
  retryMinMs: 100,
  retryMaxMs: 2_000,
};

/**
 * Follows a group until `signal` aborts, over any number of connections.
 * Records are the newest state, so those of a gap are not repeated; history
 * events are, by their ids.
 */
export async function* watchGroup(
  transport: Transport,
  path: string,
  signal: AbortSignal,
  times: WatchTimes = WATCH_TIMES,
): AsyncGenerator<WatchEvent, void, void> {
  let lastEventId: string | undefined;
  let retryMs = times.retryMinMs;
  while (!signal.aborted) {
    let failure: unknown;
    try {
      const headers: Record<string, string> =
        lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
      const response = await transport.openStream(path, headers, times.connectTimeoutMs);
      for await (const message of readMessages(response, signal, times.idleTimeoutMs)) {
        if (message === 'open') {
          retryMs = times.retryMinMs;
          yield { kind: 'connected' };
          continue;
        }
        lastEventId = message.id ?? lastEventId;
        const event = toWatchEvent(message);
        if (event !== undefined) yield event;
      }
      failure = new BatonError('BATON_UNREACHABLE', 'the monitor closed the connection');
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    yield { kind: 'disconnected', error: toBatonError(failure) };
    // The spread keeps thousands of keepers from coming back to a restarted monitor in one moment.
    await pause(retryMs * (0.5 + Math.random() / 2), signal);
    retryMs = Math.min(retryMs * 2, times.retryMaxMs);
  }
}

async function* readMessages(
  response: IncomingMessage,
  signal: AbortSignal,
  idleTimeoutMs: number,
): AsyncGenerator<SseMessage | 'open', void, void> {
  const parser = createSseParser();
  const stop = () => response.destroy();
  let idle = false;
  const timer = setTimeout(() => {
    idle = true;
    response.destroy();
  }, idleTimeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    yield 'open';
    response.setEncoding('utf8');
    for await (const piece of response as AsyncIterable<string>) {
      timer.refresh();
      yield* parser.feed(piece);
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!idle)
      throw new BatonError('BATON_UNREACHABLE', 'the connection to the monitor broke', { cause: error });
    throw new BatonError('BATON_TIMEOUT', `the monitor was silent for ${idleTimeoutMs} ms`, { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    response.destroy();
  }
}

function toWatchEvent(message: SseMessage): WatchEvent | undefined {
  switch (message.event) {
    case 'record':
      return { kind: 'record', ...RecordEventBody.parse(JSON.parse(message.data)) };
    case 'state':
      return { kind: 'state', node: NodeView.parse(JSON.parse(message.data)) };
    case 'event':
      return { kind: 'event', event: EventBody.parse(JSON.parse(message.data)) };
    default:
      return undefined; // `ping`, and what a newer monitor may add
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
  });
}
