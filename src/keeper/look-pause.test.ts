import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFollower, aGroup } from '../../test/support/a-group.ts';
import { pauseAtRest } from './look-pause.ts';

const { postgres } = aGroup().withPrimary('a').local('a');

function pauseMs(...silences: readonly number[]): number {
  const followers = silences.map((silentMs, index) => aFollower(index + 2, 3, { silentMs }));
  return pauseAtRest({ ...postgres, followers }, 500);
}

test('at rest a server is looked at every second heartbeat', () => {
  assert.equal(pauseMs(), 1_000);
  assert.equal(pauseMs(0, 300), 1_000);
});

test('who may have left a question without an answer by then is looked at when that is known', () => {
  assert.equal(pauseMs(0, 1_200), 600);
  assert.equal(pauseMs(1_750, 0), 50);
});

test('a standby or an upstream that does not answer is looked at closely', () => {
  assert.equal(pauseMs(0, 1_751), 50);
  const upstream = { term: 3, host: 'a', port: 5432, silentMs: 60_000 };
  assert.equal(pauseAtRest({ ...postgres, upstream }, 500), 50);
});
