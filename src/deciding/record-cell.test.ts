import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../test/support/a-group.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createRecordCell, type StoredRecord } from './record-cell.ts';
import { recordKey } from './record-key.ts';

const CALL = { timeoutMs: 1_000 };
const RECORD = aGroup().withPrimary('a').withStandby('b').record();
const KEY = recordKey(RECORD.formation, RECORD.group);

/** A cell whose store has the record in its third version. */
async function aCell() {
  const store = createMemoryStore();
  const write = async (record: GroupRecord | null): Promise<number> => {
    const expected = (await store.get(KEY, CALL))?.version ?? null;
    const value = record === null ? null : JSON.stringify(record);
    const result = await store.swap({ changes: [{ key: KEY, expected, value }] }, CALL);
    assert(result.kind === 'written');
    return result.version;
  };
  for (let time = 0; time < 3; time++) await write(RECORD);
  const told: StoredRecord[] = [];
  const start = { record: RECORD, version: 3 };
  const cell = createRecordCell(store, start, (_, now) => told.push(now));
  return { cell, store, write, told };
}

test('an older version from the store is read again before anything is made of it', async () => {
  const { cell, told } = await aCell();
  cell.observe({ record: RECORD, version: 2 });
  assert(cell.isUncertain());
  await cell.refresh();
  // It was only held up on its way.
  assert.equal(cell.current().version, 3);
  assert.deepEqual(told, []);
});

test('a store that has been put back from a backup is known by what it has then', async () => {
  const { cell } = await aCell();
  const store = createMemoryStore();
  const old = { ...RECORD, term: RECORD.term - 1 };
  await store.swap({ changes: [{ key: KEY, expected: null, value: JSON.stringify(old) }] }, CALL);
  const restored = createRecordCell(store, cell.current(), () => undefined);
  restored.observe({ record: old, version: 1 });
  await restored.refresh();
  assert.deepEqual(restored.current(), { record: old, version: 1 });
});

test('a group that has just moved may have the version here that it had where it was', async () => {
  const { store } = await aCell();
  const { incarnations } = RECORD.home;
  const last = { ...RECORD, home: { incarnations: ['another'], writers: [] } };
  const arrived = { ...RECORD, home: { incarnations: ['another', ...incarnations], writers: [] } };
  const version = 4;
  await store.swap({ changes: [{ key: KEY, expected: 3, value: JSON.stringify(arrived) }] }, CALL);
  const cell = createRecordCell(store, { record: last, version }, () => undefined);
  cell.observe({ record: arrived, version });
  assert(cell.isUncertain());
  await cell.refresh();
  assert.deepEqual(cell.current(), { record: arrived, version });
});

test('a store that has lost the record has an empty one, of another origin', async () => {
  const { cell, write } = await aCell();
  await write(null);
  cell.observe(undefined);
  await cell.refresh();
  const { record, version } = cell.current();
  assert.deepEqual([version, record.nodes], [0, []]);
  assert.notEqual(record.home.incarnations[0], RECORD.home.incarnations[0]);
  cell.observe(undefined);
  assert(!cell.isUncertain(), 'that it is gone is known');
  // What it is recovered from is written where there is nothing.
  assert.notEqual(await cell.swap(RECORD, []), undefined);
  assert.deepEqual(cell.current().record, RECORD);
});

test('of another decider only a later version of the known record is taken', async () => {
  const { cell } = await aCell();
  const other = aGroup().withPrimary('a').record();
  cell.learn({ record: { ...other, home: { incarnations: ['another'], writers: [] } }, version: 9 });
  cell.learn({ record: RECORD, version: 2 });
  assert.equal(cell.current().version, 3);
  cell.learn({ record: RECORD, version: 4 });
  assert.equal(cell.current().version, 4);
});
