import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aGroup, TERM } from '../../test/support/a-group.ts';
import { aLocalView, aRecord } from '../../test/support/arbitraries.ts';
import { trio } from '../../test/support/planned.ts';
import type { Step } from './action.ts';
import { planUnwritten } from './plan-unwritten.ts';
import { plan } from './plan.ts';

const superseded = trio().withIntent({ kind: 'failover', stage: 'elect', from: 1, term: TERM + 1 });

function onSuperseded(name: string): Step | undefined {
  return planUnwritten(superseded.record(), superseded.local(name));
}

test('on a record that is not on disk an old primary is ended', () => {
  assert.deepEqual(onSuperseded('a')?.action, { kind: 'stop', mode: 'immediate' });
});

test('on a record that is not on disk nobody promises anything', () => {
  assert.equal(plan(superseded.record(), superseded.local('b')).action?.kind, 'pledge');
  assert.equal(onSuperseded('b'), undefined);
});

test('on a record that is not on disk a node lets go of a group that has dropped it', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b', { votes: false, entry: { dropping: 'asked' } });
  assert.equal(planUnwritten(group.record(), group.local('b'))?.action.kind, 'leave');
});

test('on a record that is not on disk a server is ended where plan says so, and nothing else is done', () => {
  fc.assert(
    fc.property(aRecord, aLocalView, (record, local) => {
      const next = plan(record, local);
      const endsOnly = next.action?.kind === 'stop' || next.action?.kind === 'leave';
      assert.deepEqual(planUnwritten(record, local), endsOnly ? next : undefined);
    }),
    { numRuns: 1_500 },
  );
});
