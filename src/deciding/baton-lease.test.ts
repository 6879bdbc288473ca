import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { aGroup, TERM } from '../../test/support/a-group.ts';
import { aReport } from '../../test/support/a-report.ts';
import { createManualClock } from '../../test/support/manual-clock.ts';
import type { Intent, GroupRecord } from '../core/group-record.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createBatonLease } from './baton-lease.ts';
import { createRecordCell } from './record-cell.ts';
import { recordKey } from './record-key.ts';

const CALL = { timeoutMs: 1_000 };
const LEASE_MS = 6_000;

async function openLease(context: TestContext, changes: Partial<GroupRecord> = {}) {
  const clock = createManualClock();
  const store = createMemoryStore({ clock });
  context.after(() => store[Symbol.asyncDispose]());
  const record = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withSettings({ durability: 'async', leaseMs: LEASE_MS })
    .withRules({ cohort: [1, 2], k: 0 })
    .withRecord(changes)
    .record();
  const change = { key: recordKey('default', 0), expected: null, value: JSON.stringify(record) };
  await store.swap({ changes: [change] }, CALL);
  const cell = createRecordCell(store, { record, version: 1 }, () => undefined);
  const lease = createBatonLease(store, cell);
  const keep = (node = 1, leaseFor = TERM) => lease.keep({ ...aReport(node), leaseFor }, () => clock.now());
  /** Swaps in another record on the condition that nobody has the lease. */
  const takeAway = async (next: GroupRecord) => (await cell.swap(next, [], [lease.isOver])) !== undefined;
  return { clock, store, cell, lease, keep, takeAway, record };
}

test('the holder is given the lease, renews it, and it ends with its silence', async (context) => {
  const { clock, lease, keep } = await openLease(context);
  assert.equal(await lease.look(), null);
  assert.equal(await keep(), clock.now() + LEASE_MS);
  assert.equal(await lease.look(), TERM);
  clock.advance(5_000);
  assert.equal(await keep(), clock.now() + LEASE_MS);
  clock.advance(LEASE_MS - 1);
  assert.equal(await lease.look(), TERM);
  clock.advance(1);
  assert.equal(await lease.look(), null);
});

test('nobody else is given it, and nobody in another term', async (context) => {
  const { keep, lease } = await openLease(context);
  assert.equal(await keep(2), undefined);
  assert.equal(await keep(1, TERM + 1), undefined);
  assert.equal(await lease.look(), null);
});

test('nobody is given up while the lease lasts, and who is given up is not given it again', async (context) => {
  const { clock, keep, takeAway, record } = await openLease(context);
  await keep();
  const next = { ...record, intent: { stage: 'elect' } as Intent };
  assert.equal(await takeAway(next), false);
  clock.advance(LEASE_MS);
  assert.equal(await takeAway(next), true);
  assert.equal(await keep(), undefined);
});

test('a record that somebody else has changed meanwhile says nothing of who the holder is', async (context) => {
  const { store, keep, lease, record } = await openLease(context);
  const change = {
    key: recordKey('default', 0),
    expected: 1,
    value: JSON.stringify({ ...record, term: TERM + 1 }),
  };
  await store.swap({ changes: [change] }, CALL);
  assert.equal(await keep(), undefined);
  assert.equal(await lease.look(), null);
});

test('the holder of a later term takes over what an earlier one has left', async (context) => {
  const { clock, cell, keep, lease, record } = await openLease(context);
  await keep();
  await cell.swap({ ...record, reign: { ...record.reign!, term: TERM + 1, holder: 2 } }, []);
  assert.equal(await keep(2, TERM + 1), clock.now() + LEASE_MS);
  assert.equal(await lease.look(), TERM + 1);
  assert.equal(await keep(), undefined);
});

test('a later holder is not told of the lease that an earlier one is being given', async (context) => {
  const { cell, keep, record } = await openLease(context);
  const early = keep();
  cell.learn({ record: { ...record, reign: { ...record.reign!, term: TERM + 1, holder: 2 } }, version: 2 });
  assert.equal(await keep(2, TERM + 1), undefined);
  assert.notEqual(await early, undefined);
});
