import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, emptyRecord } from '../core/group-record.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createApi } from './app.ts';
import type { GroupMessage, MonitorService } from './monitor-service.ts';
import type { EventBody } from './schemas.ts';
import { createSseParser, type SseMessage } from './sse-parser.ts';

const RECORD = emptyRecord('default', 0, DEFAULT_SETTINGS);
const PATH = '/v1/formations/default/groups/0/watch';

function anEvent(id: number): EventBody {
  const of = { formation: 'default', group: 0, kind: 'monitor', term: 1, record_version: 1 } as const;
  return { id, at: '2026-01-01T00:00:00.000Z', because: `event ${id}`, ...of };
}

/** The API over a group whose messages a test sends by hand. */
function openWatch(history: readonly EventBody[] = []) {
  const listeners = new Set<(message: GroupMessage) => void>();
  const closing = new AbortController();
  const monitor: Partial<MonitorService> = {
    health: () => ({ ok: true, version: '1', incarnation: 'here' }),
    getGroup: () => ({ record: RECORD, record_version: 7, nodes: [] }),
    listEvents: ({ after = 0 }) => Promise.resolve(history.filter(({ id }) => id > after)),
    watchGroup(_group, listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const deps = { token: null, log: SILENT_LOGGER, closing: closing.signal };
  const app = createApi({ monitor: monitor as MonitorService, ...deps });
  const tell = (message: GroupMessage) => {
    for (const listener of listeners) listener(message);
  };
  return { app, listeners, closing, tell };
}

/** Reads until so many messages have come; the rest of the stream is left. */
async function take(response: Response, count: number): Promise<readonly SseMessage[]> {
  const messages: SseMessage[] = [];
  const parser = createSseParser();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  while (messages.length < count) {
    const { value, done } = await reader.read();
    if (done) break;
    messages.push(...parser.feed(new TextDecoder().decode(value)));
  }
  reader.releaseLock();
  return messages;
}

test('a watch begins with the present record and goes on with what happens', async () => {
  const { app, tell, closing } = openWatch();
  const response = await app.request(PATH);
  const [record] = await take(response, 1);
  assert.equal(record?.event, 'record');
  assert.equal((JSON.parse(record.data) as { version: number }).version, 7);
  tell({ kind: 'event', event: anEvent(3) });
  const [event] = await take(response, 1);
  assert.deepEqual([event?.event, event?.id], ['event', 'here/3']);
  closing.abort();
});

test('a watcher that comes back is told the events since the last one it saw, of this store only', async () => {
  const history = [anEvent(1), anEvent(2), anEvent(3)];
  for (const [lastEventId, ids] of [
    ['here/1', ['here/2', 'here/3']],
    ['elsewhere/1', []],
    ['nonsense', []],
  ] as const) {
    const { app, closing } = openWatch(history);
    const response = await app.request(PATH, { headers: { 'last-event-id': lastEventId } });
    const messages = await take(response, 1 + ids.length);
    assert.deepEqual(
      messages.slice(1).map(({ id }) => id),
      ids,
    );
    closing.abort();
  }
});

test('a stream ends when the server closes, and its listener with it', async () => {
  const { app, listeners, closing } = openWatch();
  const response = await app.request(PATH);
  await take(response, 1);
  assert.equal(listeners.size, 1);
  closing.abort();
  assert.deepEqual(await take(response, 1), []);
  assert.equal(listeners.size, 0);
});

test('a watcher that reads nothing is cut off before it fills the memory', async () => {
  const { app, listeners, tell } = openWatch();
  const response = await app.request(PATH);
  for (let id = 1; id < 2_000; id++) tell({ kind: 'event', event: anEvent(id) });
  assert.equal(listeners.size, 0);
  await response.body?.cancel();
});
