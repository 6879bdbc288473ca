import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createManualClock } from '../../test/support/manual-clock.ts';
import type { GroupMessage } from '../api/monitor-service.ts';
import { DEFAULT_SETTINGS, emptyRecord } from '../core/group-record.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Swap } from '../store/store.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createEventWriter } from './event-writer.ts';
import { createFaultLog } from './fault-log.ts';
import { plainEvent } from './group-events.ts';

const CALL = { timeoutMs: 1_000 };
const RECORD = emptyRecord('default', 0, DEFAULT_SETTINGS);
/** Of one transaction, by default. */
const ETCD_OPERATIONS_MAX = 128;

const event = (text: string) => plainEvent('monitor', RECORD, text);

function openWriter(context: TestContext) {
  const clock = createManualClock();
  const store = createMemoryStore({ clock });
  context.after(() => store[Symbol.asyncDispose]());
  const swaps: Swap[] = [];
  const told: string[] = [];
  const writer = createEventWriter({
    store: {
      ...store,
      swap(swap, call) {
        swaps.push(swap);
        return store.swap(swap, call);
      },
    },
    faults: createFaultLog(SILENT_LOGGER, () => clock.now()),
    now: () => clock.now(),
    wallClock: () => 0,
    tell: (message: GroupMessage) => message.kind === 'event' && told.push(message.event.because),
  });
  return { writer, store, clock, swaps, told };
}

test('a swap takes along what waits, before its own events, and it is told once', async (context) => {
  const { writer, store, swaps, told } = openWriter(context);
  writer.add(event('first'), 1);
  const notes = writer.takeAlong([event('second')], 1);
  const result = await store.swap({ changes: [], notes }, CALL);
  assert.ok(result.kind === 'written');
  writer.written(notes, result.noteIds);
  assert.deepEqual(told, ['first', 'second']);
  await writer.flush();
  assert.deepEqual(swaps, []);
});

test('what a swap could not take along waits on', async (context) => {
  const { writer, clock, told } = openWriter(context);
  assert.equal(writer.waitingMs(), 0);
  writer.add(event('first'), 1);
  writer.takeAlong([event('second')], 1);
  clock.advance(30);
  assert.equal(writer.waitingMs(), 30);
  await writer.flush();
  assert.deepEqual(told, ['first']);
  assert.equal(writer.hasUnwritten(), false);
});

test('what has piled up while the store was away is written in pieces that etcd takes', async (context) => {
  const { writer, swaps, told } = openWriter(context);
  const many = Array.from({ length: 300 }, (_, index) => `event ${index}`);
  for (const text of many) writer.add(event(text), 1);
  const alongside = writer.takeAlong([event('a decision')], 1);
  await writer.flush();
  for (const notes of [alongside, ...swaps.map((swap) => swap.notes ?? [])])
    assert.ok(notes.length * 2 < ETCD_OPERATIONS_MAX, `${notes.length} notes in one swap`);
  assert.deepEqual(told, many);
});
