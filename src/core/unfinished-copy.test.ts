import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standbySettings, upstreamOf, type ServerSettings } from './server-settings.ts';
import { TERM, type GroupBuilder } from '../../test/support/a-group.ts';
import { crashed, expectAction, expectRest, planned, stopped, trio } from '../../test/support/planned.ts';

const NEXT = TERM + 1;
const starting = { ...crashed, status: 'starting' } as const;

/** What the keeper of "b" starts a copy of "a" with. */
function startedFrom(group: GroupBuilder, term: number): ServerSettings {
  const record = group.record();
  return standbySettings(record, group.local('b'), upstreamOf(record, 1, term), true);
}

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
  expectAction(planned(trio(), 'b', { copyOf: TERM - 1, postgres: starting }), 'stop');
  const fresh = { copyOf: TERM, configured: startedFrom(trio(), TERM), postgres: starting };
  expectRest(planned(trio(), 'b', fresh), /does not answer yet/);
});

test('a copy that a person has started without its source is stopped, and any other server is waited for', () => {
  const byHand = { copyOf: TERM, configured: null, postgres: starting };
  expectAction(planned(trio(), 'b', byHand), 'stop');
  expectRest(planned(trio(), 'b', { ...byHand, copyOf: null }), /does not answer yet/);

  const elects = trio().withIntent({ stage: 'elect' });
  expectAction(planned(elects, 'b', byHand), 'stop');
  expectRest(planned(elects, 'b', { ...byHand, copyOf: null }), /does not answer yet/);
  const byKeeper = { ...byHand, configured: startedFrom(elects, NEXT) };
  expectRest(planned(elects, 'b', byKeeper), /does not answer yet/);
});

test('in an election an unfinished copy is finished from the node that it was copied from, and pledges nothing before', () => {
  const elects = trio().withIntent({ stage: 'elect' });
  const start = expectAction(planned(elects, 'b', { copyOf: TERM, postgres: stopped }), 'start_standby');
  assert.deepEqual([start.settings.upstream?.node, start.settings.upstream?.term], [1, NEXT]);
  expectRest(planned(elects, 'b', { copyOf: TERM - 1, postgres: stopped }), /unfinished copy from term/);
});
