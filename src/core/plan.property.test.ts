import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aLocalView, aRecord } from '../../test/support/arbitraries.ts';
import { plan } from './plan.ts';
import { ACTION_KINDS, type Action } from './action.ts';

const RUNS = { numRuns: 1_500 };

test('plan answers every record and view with a step or with rest, always the same', () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(aRecord, aLocalView, (record, local) => {
      const before = JSON.stringify([record, local]);
      const step = plan(record, local);
      assert.deepEqual(plan(record, local), step);
      assert.equal(JSON.stringify([record, local]), before, 'what was given has been changed');
      if (step.action !== null) {
        assert.ok(step.because.length > 0);
        reached.add(step.action.kind);
      }
    }),
    RUNS,
  );
  for (const kind of reached) assert.ok(Object.hasOwn(ACTION_KINDS, kind), kind);
});

test('only the holder starts, opens or promotes a primary, and only in the term of the reign', () => {
  const byHolder: ReadonlySet<Action['kind']> = new Set([
    'start_primary',
    'promote',
    'write_marker',
    'open',
    'apply_rule',
  ]);
  fc.assert(
    fc.property(aRecord, aLocalView, (record, local) => {
      const { action } = plan(record, local);
      if (action === null || !byHolder.has(action.kind)) return;
      assert.equal(record.reign?.holder, local.node);
      assert.ok('term' in action && action.term === record.reign.term);
    }),
    RUNS,
  );
});

test('a node that has promised a later term never acts for the reign, neither as its holder nor as its standby', () => {
  fc.assert(
    fc.property(aRecord, aLocalView, (record, local) => {
      const promised = local.pledge?.term ?? 0;
      if (record.reign === null || promised <= record.reign.term) return;
      const { action } = plan(record, local);
      if (action === null) return;
      assert.ok(
        !['start_primary', 'promote', 'open', 'write_marker', 'apply_rule'].includes(action.kind),
        action.kind,
      );
    }),
    RUNS,
  );
});

test('no node ever receives for an earlier term than the one that it has promised', () => {
  fc.assert(
    fc.property(aRecord, aLocalView, (record, local) => {
      const { action } = plan(record, local);
      if (action === null || !('settings' in action) || action.settings.upstream === null) return;
      assert.ok(action.settings.upstream.term >= (local.pledge?.term ?? 0));
    }),
    RUNS,
  );
});

test('a server of another system is never started, stopped, rewound, copied over or asked for a pledge', () => {
  fc.assert(
    fc.property(aRecord, aLocalView, (record, local) => {
      const own = local.postgres.systemIdentifier;
      const isForeign = own !== null && record.systemIdentifier !== null && own !== record.systemIdentifier;
      if (!isForeign) return;
      const { action } = plan(record, local);
      assert.ok(action === null || action.kind === 'leave', action?.kind);
    }),
    RUNS,
  );
});
