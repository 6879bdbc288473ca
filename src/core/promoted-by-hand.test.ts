import assert from 'node:assert/strict';
import { test } from 'node:test';
import { END_OF_WAL, TERM, TIMELINE } from '../../test/support/a-group.ts';
import { crashed, expectAction, planned, trio } from '../../test/support/planned.ts';

test('who was elected and then promoted by hand onto the number of its reign is promoted to a later one', () => {
  const elected = trio().withReign({ history: null, confirmed: false });
  const local = { promotedTerm: TERM - 1, servingTerm: null, diskTimeline: TIMELINE };
  expectAction(
    planned(elected, 'a', { ...local, postgres: { ...crashed, position: null } }),
    'start_standby',
  );
  const standby = { role: 'standby', position: { timeline: TIMELINE, lsn: END_OF_WAL } } as const;
  const promote = expectAction(planned(elected, 'a', { ...local, postgres: standby }), 'promote');
  assert.equal(promote.timeline, TIMELINE + 2);
});
