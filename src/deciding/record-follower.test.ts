import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyRecord, DEFAULT_SETTINGS } from '../core/group-record.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { SYSTEM_CLOCK } from '../store/system-clock.ts';
import { sleep } from '../system/clock.ts';
import { followRecord } from './record-follower.ts';
import { recordKey } from './record-key.ts';

const RECORD = emptyRecord('default', 0, DEFAULT_SETTINGS, 'a store');
const KEY = recordKey('default', 0);
const CALL = { timeoutMs: 5_000 };

test('the record that makes a store believed again is a sign of life itself', async (context) => {
  const store = createMemoryStore({ clock: SYSTEM_CLOCK });
  const write = async (expected: number | null): Promise<number> => {
    const change = { key: KEY, expected, value: JSON.stringify(RECORD) };
    const result = await store.swap({ changes: [change] }, CALL);
    assert(result.kind === 'written');
    return result.version;
  };
  const first = await write(null);
  let [seen, nowMs] = [0, 0];
  const follower = followRecord({
    store,
    formation: 'default',
    group: 0,
    nowMs: () => nowMs,
    onLine: () => undefined,
    onRecord: (stored) => void (seen = stored?.version ?? 0),
    refused: () => (seen > first ? undefined : 'it is an old copy'),
  });
  context.after(async () => {
    await follower.close();
    await store[Symbol.asyncDispose]();
  });

  async function untilSeen(version: number): Promise<void> {
    for (let turn = 0; seen < version && turn < 3_000; turn++) await sleep(5);
    assert.equal(seen, version, 'not within 15 s');
  }
  await untilSeen(first);
  nowMs = 10_000;
  assert.equal(follower.silentMs(), 10_000, 'what is not believed says nothing');
  await untilSeen(await write(first));
  assert.equal(
    follower.silentMs(),
    0,
    'a PostgreSQL that dies now is not restarted as if the store were away',
  );
});
