import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TERM } from '../../test/support/a-group.ts';
import { trio } from '../../test/support/planned.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createEndGuard, type Seen } from './end-guard.ts';

/** The modes in which PostgreSQL was stopped by a guard that was told this, look by look. */
async function stopsOf(unwritten: readonly (Seen | undefined)[]): Promise<readonly string[]> {
  const stops: string[] = [];
  let looks = 0;
  const guard = createEndGuard({
    server: { stop: async (mode) => void stops.push(mode) },
    log: SILENT_LOGGER,
    now: () => undefined,
    unwritten() {
      const seen = unwritten[looks];
      looks += 1;
      if (looks === unwritten.length) guard.stop();
      return seen;
    },
    onEnded: () => undefined,
  });
  await guard.run();
  return stops;
}

const superseded = trio().withIntent({ kind: 'failover', stage: 'elect', from: 1, term: TERM + 1 });

const local = superseded.local('a');
const record = superseded.record();

test('a primary is ended by a record that says so, also while the disk does not take that record', async () => {
  assert.deepEqual(await stopsOf([{ record, local }]), ['immediate']);
});

test('PostgreSQL is not ended twice on one look, and ended again when it is seen to have come back', async () => {
  const seen = { record, local };
  assert.deepEqual(await stopsOf([seen, seen, seen]), ['immediate']);
  const again = { record, local: superseded.local('a') };
  assert.deepEqual(await stopsOf([seen, seen, again]), ['immediate', 'immediate']);
});

test('nothing but a stop is done on a record that is not on disk yet', async () => {
  assert.deepEqual(await stopsOf([{ record, local: superseded.local('b') }]), []);
  assert.deepEqual(await stopsOf([{ record: trio().record(), local: trio().local('a') }]), []);
});
