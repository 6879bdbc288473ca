import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, emptyRecord, hasKnown } from './group-record.ts';

test('a store that has begun anew, or lags, says nothing to a node whose number it has not given out', () => {
  const record = { ...emptyRecord('default', 0, DEFAULT_SETTINGS), nextNodeId: 5 };
  assert.equal(hasKnown(record, 5), false);
  // It had the number, and the group has let go of it.
  assert.equal(hasKnown(record, 4), true);
});
