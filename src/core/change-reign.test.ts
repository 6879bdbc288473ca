import { test } from 'node:test';
import { TERM } from '../../test/support/a-group.ts';
import { expectAction, expectRest, planned, pledge, stopped, trio } from '../../test/support/planned.ts';

const PLEDGED = { pledge: pledge(TERM + 1) };
const PROMOTED = { role: 'primary', upstream: null } as const;

test('who is promoted by hand after it has pledged is stopped, also while nobody decides', () => {
  const elects = trio().withIntent({});
  expectAction(planned(elects, 'b', { ...PLEDGED, postgres: PROMOTED }), 'stop');
  expectRest(planned(elects, 'b', { ...PLEDGED, postgres: { upstream: null } }), /is pledged/);
});

test('who has handed over, and is started and promoted by hand, is stopped', () => {
  const drains = trio().withIntent({ kind: 'handover', stage: 'drain', target: 2 });
  expectAction(planned(drains, 'a', { ...PLEDGED, postgres: PROMOTED }), 'stop');
  expectRest(planned(drains, 'a', { ...PLEDGED, postgres: stopped }), /the others follow/);
});
