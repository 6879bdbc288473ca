import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aGroup,
  END_OF_WAL,
  HISTORY,
  TERM,
  TIMELINE,
  type GroupBuilder,
  type NodeOptions,
} from '../../test/support/a-group.ts';
import {
  crashed,
  expectAction,
  expectRest,
  planned,
  pledge,
  settledPrimary,
  stopped,
  trio,
} from '../../test/support/planned.ts';
import { decide, type Decision } from './decide.ts';

const PLEDGED = { pledge: pledge(TERM + 1) };
const PROMOTED = { role: 'primary', upstream: null } as const;

test('who is promoted by hand after it has pledged is stopped at once, whoever decides meanwhile', () => {
  const elects = trio().withIntent({});
  const fetches = trio().withIntent({
    stage: 'fetch',
    fetch: { candidate: 2, source: 3, upTo: { timeline: TIMELINE, lsn: END_OF_WAL } },
  });
  for (const group of [trio(), elects, fetches]) {
    const { mode } = expectAction(planned(group, 'b', { ...PLEDGED, postgres: PROMOTED }), 'stop');
    assert.equal(mode, 'immediate');
  }
  expectRest(planned(elects, 'b', { ...PLEDGED, postgres: { upstream: null } }), /is pledged/);
});

test('who is to fetch WAL and is promoted by hand is passed over as soon as that is known', () => {
  const behind = pledge(TERM + 1, '0/4000000');
  const fetches = (postgres: NonNullable<NodeOptions['postgres']>): GroupBuilder =>
    aGroup()
      .withPrimary('a', { silentMs: 60_000 })
      .withStandby('b', { entry: { candidatePriority: 90 }, report: { pledge: behind }, postgres })
      .withStandby('c', { entry: { candidatePriority: 0 }, report: { pledge: pledge(TERM + 1) } })
      .withStandby('d', { report: { pledge: behind } })
      .withIntent({
        stage: 'fetch',
        fetch: { candidate: 2, source: 3, upTo: { timeline: TIMELINE, lsn: END_OF_WAL } },
      });
  const fork = { timeline: TIMELINE, end: '0/4000000' };
  const byHand = { position: { timeline: 3, lsn: '0/4000100' }, history: [...HISTORY, fork] };
  const next = (group: GroupBuilder): Decision | undefined => decide(group.record(), group.evidence());
  // Down, it says nothing of that: it is started to fetch, and tells.
  assert.equal(next(fetches({ ...crashed, position: null })), undefined);
  const decision = next(fetches(byHand));
  assert.deepEqual([decision?.rule, decision?.next.intent?.target], ['give_up_fetch', null]);
  assert.match(decision?.because ?? '', /"b" was promoted outside of the group/);
  const again = fetches(byHand).withIntent({ stage: 'elect' });
  assert.equal(next(again)?.next.intent?.fetch?.candidate, 4);
});

test('who has handed over, and is started and promoted by hand, is stopped at once', () => {
  const drains = trio().withIntent({ kind: 'handover', stage: 'drain', target: 2 });
  expectAction(planned(drains, 'a', { ...PLEDGED, postgres: PROMOTED }), 'stop');
  expectRest(planned(drains, 'a', { ...PLEDGED, postgres: stopped }), /the others follow/);
});

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

test('a node that was promoted by hand before its own promotion acknowledges nothing on a number that the group does not know', () => {
  const group = trio().withReign({ timeline: 3, history: null });
  const byHand = { timeline: 4, lsn: '0/3000000' };
  const standby = { role: 'standby', position: byHand, history: [] } as const;
  const promote = expectAction(
    planned(group, 'a', { promotedTerm: null, servingTerm: null, postgres: standby }),
    'promote',
  );
  assert.deepEqual([promote.timeline, promote.withMarker], [6, false]);
  const promoted = { role: 'primary', position: { ...byHand, timeline: 6 } } as const;
  const next = planned(group, 'a', { ...settledPrimary(group), servingTerm: null, postgres: promoted });
  expectRest(next, /has not learned of timeline 6 yet/);
});
