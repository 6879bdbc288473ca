import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFollower, aGroup, TERM, type NodeOptions } from '../../test/support/a-group.ts';
import { isAnswering, isAway } from './absence.ts';
import type { PostgresReport } from './evidence.ts';

/** Its walsender has ended in this moment, and it left the last question without an answer. */
const fellSilent: NodeOptions = { awayMs: 20, fellSilent: true };
const unheard: NodeOptions = { silentMs: 3_000 };

function isStandbyAway(
  standby: NodeOptions,
  { detectionMs = 3_000, primary = {} }: { detectionMs?: number; primary?: Partial<PostgresReport> } = {},
): boolean {
  const group = aGroup()
    .withPrimary('a', { postgres: primary })
    .withStandby('b', standby)
    .withSettings({ detectionMs });
  return isAway(group.record(), group.evidence(), group.idOf('b'));
}

test('a standby has answered as long as its silence is no longer than a walsender waits before it asks', () => {
  assert.equal(isAnswering({ silentMs: 1_600 }), true);
  assert.equal(isAnswering({ silentMs: 2_000 }), false);
});

test('a standby that has hung up is away after the detection time', () => {
  assert.equal(isStandbyAway({ awayMs: 2_999, ...unheard }), false);
  assert.equal(isStandbyAway({ awayMs: 3_000 }), true);
});

test('a standby that fell silent together with its keeper is away when its walsender ends', () => {
  assert.equal(isStandbyAway({ ...fellSilent, ...unheard }), true);
});

test('a standby that fell silent and whose walreceiver has given up is away when its walsender ends', () => {
  assert.equal(isStandbyAway({ ...fellSilent, postgres: { upstream: null } }), true);
});

test('a standby that waits for its disk has the whole detection time', () => {
  assert.equal(isStandbyAway(fellSilent), false);
  assert.equal(isStandbyAway({ ...fellSilent, postgres: { upstream: null, status: 'unresponsive' } }), false);
  assert.equal(isStandbyAway({ ...fellSilent, awayMs: 3_000 }), true);
});

test('a standby is not away while its walsender still waits for it, or when another one has taken over', () => {
  const primary = { followers: [aFollower(2, TERM, { silentMs: 2_900 })] };
  assert.equal(isStandbyAway({ ...fellSilent, ...unheard }, { primary }), false);
  const reconnected = { followers: [aFollower(2, TERM, { state: 'catchup' })] };
  assert.equal(isStandbyAway({ ...fellSilent, ...unheard }, { primary: reconnected }), false);
});

test('with a longer detection time, the time for which its walsender waited counts towards it', () => {
  const silent = { ...unheard, silentMs: 10_000, fellSilent: true };
  assert.equal(isStandbyAway({ ...silent, awayMs: 6_999 }, { detectionMs: 10_000 }), false);
  assert.equal(isStandbyAway({ ...silent, awayMs: 7_000 }, { detectionMs: 10_000 }), true);
});
