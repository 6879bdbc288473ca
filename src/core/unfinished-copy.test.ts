import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TERM } from '../../test/support/a-group.ts';
import { crashed, expectAction, expectRest, planned, stopped, trio } from '../../test/support/planned.ts';

const NEXT = TERM + 1;

test('a fresh copy is started with its source, since it lacks WAL that only that has', () => {
  const start = expectAction(planned(trio(), 'b', { copyOf: TERM, postgres: crashed }), 'start_standby');
  assert.equal(start.settings.upstream?.node, 1);
});

test('a copy from an earlier term is made anew as soon as the primary is ready, and not started', () => {
  const old = { copyOf: TERM - 1, postgres: crashed };
  expectAction(planned(trio(), 'b', old), 'clone');
  expectRest(planned(trio().withReign({ history: null, confirmed: false }), 'b', old), /is not ready/);
});

test('a copy that waits for WAL of a primary that is no more is stopped, and one of the present primary is not', () => {
  const starting = { ...crashed, status: 'starting' } as const;
  expectAction(planned(trio(), 'b', { copyOf: TERM - 1, postgres: starting }), 'stop');
  expectRest(planned(trio(), 'b', { copyOf: TERM, postgres: starting }), /does not answer yet/);
});

test('in an election an unfinished copy is finished from the node that it was copied from, and pledges nothing before', () => {
  const elects = trio().withIntent({ stage: 'elect' });
  const start = expectAction(planned(elects, 'b', { copyOf: TERM, postgres: stopped }), 'start_standby');
  assert.deepEqual([start.settings.upstream?.node, start.settings.upstream?.term], [1, NEXT]);
  expectRest(planned(elects, 'b', { copyOf: TERM - 1, postgres: stopped }), /unfinished copy from term/);
});
