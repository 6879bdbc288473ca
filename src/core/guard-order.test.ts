import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, TERM, type GroupBuilder } from '../../test/support/a-group.ts';
import type { LocalView } from './action.ts';
import { guardOrder } from './guard-order.ts';

function trio(): GroupBuilder {
  return aGroup().withPrimary('a').withStandby('b').withStandby('c');
}

function orderOf(
  group: GroupBuilder,
  changes: Partial<LocalView> = {},
  name = 'a',
): ReturnType<typeof guardOrder> {
  return guardOrder(group.record(), group.local(name, changes));
}

function withPostgres(group: GroupBuilder, postgres: Partial<LocalView['postgres']>): Partial<LocalView> {
  return { postgres: { ...group.local('a').postgres, ...postgres } };
}

test('a primary that serves is guarded, and spared while k of its voters stream in its term', () => {
  const names = [`pgbaton_2@${TERM}`, `pgbaton_3@${TERM}`];
  assert.deepEqual(orderOf(trio()), { kind: 'guard', term: TERM, quorums: [{ count: 1, names }] });
});

test('while the rule changes, the voters of both rules have to stream', () => {
  const group = trio().withRules({ cohort: [1, 2], k: 1 }, { cohort: [1, 2, 3], k: 2 });
  const order = orderOf(group);
  assert.ok(order.kind === 'guard');
  assert.deepEqual(
    order.quorums.map(({ count, names }) => [count, names.length]),
    [
      [1, 1],
      [2, 2],
    ],
  );
});

test('where nobody can be promoted beside the primary there is nothing to guard', () => {
  assert.equal(orderOf(aGroup().withPrimary('a')).kind, 'release');
  assert.equal(orderOf(trio().withRules({ cohort: [1], k: 0 })).kind, 'release');
  assert.equal(orderOf(trio().withSettings({ paused: true })).kind, 'release');
});

test('a standby, and a server that is down, is released', () => {
  assert.equal(orderOf(trio(), {}, 'b').kind, 'release');
  for (const status of ['stopped', 'crashed', 'absent', 'incomplete'] as const)
    assert.equal(orderOf(trio(), withPostgres(trio(), { status, role: null })).kind, 'release');
});

test('a primary that does not hold the baton any more is neither renewed nor released: what was ordered runs out', () => {
  assert.equal(orderOf(trio().withIntent({})).kind, 'hold');
  const later = aGroup()
    .withPrimary('b')
    .withStandby('a', { postgres: { role: 'primary' } });
  assert.equal(orderOf(later, {}, 'a').kind, 'hold');
});

test('a server that does not answer is the business of its keeper, as long as that lives', () => {
  assert.equal(orderOf(trio(), withPostgres(trio(), { status: 'unresponsive', role: null })).kind, 'guard');
});

test('a server that is not open yet changes nothing of what was ordered', () => {
  assert.equal(orderOf(trio(), { servingTerm: null }).kind, 'hold');
});
