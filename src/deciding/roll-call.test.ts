import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup } from '../../test/support/a-group.ts';
import { aReport } from '../../test/support/a-report.ts';
import { createRollCall } from './roll-call.ts';

const RECORD = aGroup().withPrimary('a').withStandby('b').record();

test('a report that was held up on its way does not take back what a later one has said', () => {
  const rollCall = createRollCall(() => 0);
  rollCall.take(aReport(2, { sequence: 7, recordVersion: 22 }), RECORD);
  rollCall.take(aReport(2, { sequence: 6, recordVersion: 21 }), RECORD);
  assert.deepEqual(
    rollCall.callers().map(({ report }) => report.recordVersion),
    [22],
  );
});
