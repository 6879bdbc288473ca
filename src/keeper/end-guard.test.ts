import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TERM } from '../../test/support/a-group.ts';
import { trio } from '../../test/support/planned.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createEndGuard, type Seen } from './end-guard.ts';

/** The modes in which PostgreSQL was stopped until the guard has looked twice. */
async function stopsOf(unwritten: Seen | undefined): Promise<readonly string[]> {
  const stops: string[] = [];
  let looks = 0;
  const guard = createEndGuard({
    server: { stop: async (mode) => void stops.push(mode) },
    log: SILENT_LOGGER,
    now: () => undefined,
    unwritten() {
      looks += 1;
      if (looks === 2) guard.stop();
      return unwritten;
    },
    onEnded: () => guard.stop(),
  });
  await guard.run();
  return stops;
}

const superseded = trio().withIntent({ kind: 'failover', stage: 'elect', from: 1, term: TERM + 1 });

test('a primary is ended by a record that says so, also while the disk does not take that record', async () => {
  assert.deepEqual(await stopsOf({ record: superseded.record(), local: superseded.local('a') }), [
    'immediate',
  ]);
});

test('nothing but a stop is done on a record that is not on disk yet', async () => {
  assert.deepEqual(await stopsOf({ record: superseded.record(), local: superseded.local('b') }), []);
  assert.deepEqual(await stopsOf({ record: trio().record(), local: trio().local('a') }), []);
});
