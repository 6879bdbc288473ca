import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, TERM, TIMELINE } from '../../test/support/a-group.ts';
import {
  crashed,
  expectAction,
  expectRest,
  NAMES,
  planned,
  pledge,
  reached,
  settledPrimary,
  settledStandby,
  stopped,
  trio,
  type Changes,
} from '../../test/support/planned.ts';
import { ACTION_KINDS } from './action.ts';
import { primarySettings, standbySettings, UNSATISFIABLE_NAMES } from './server-settings.ts';

const NEXT = TERM + 1;

test('a settled primary and a settled standby are left alone', () => {
  const group = trio();
  expectRest(planned(group, 'a', settledPrimary(group)));
  expectRest(planned(group, 'b', settledStandby(group, 'b')));
});

test('the first node of a group makes the database, and starts it as the primary', () => {
  const first = aGroup()
    .withPrimary('a')
    .withReign({ basis: null, history: null })
    .withRecord({ systemIdentifier: null });
  const fresh: Changes = { promotedTerm: null, servingTerm: null };
  expectAction(planned(first, 'a', { ...fresh, postgres: { ...crashed, status: 'absent' } }), 'initialise');
  const start = expectAction(planned(first, 'a', { ...fresh, postgres: stopped }), 'start_primary');
  assert.equal(start.settings.locked, true);
});

test('a running server becomes the first primary as it is', () => {
  const first = aGroup().withPrimary('a').withReign({ basis: null, history: null });
  expectAction(planned(first, 'a', { promotedTerm: null, servingTerm: null }), 'adopt');
});

test('a data directory that is gone or half-made never becomes the primary', () => {
  for (const status of ['absent', 'incomplete'] as const) {
    expectRest(planned(trio(), 'a', { postgres: { ...crashed, status } }), /never becomes the primary/);
  }
});

test('a primary that was promoted outside of the reign is stopped at once', () => {
  const stop = expectAction(planned(trio(), 'a', { promotedTerm: TERM - 1 }), 'stop');
  assert.equal(stop.mode, 'immediate');
});

test('a primary configures itself after a restart of its keeper, and keeps the names that are in force', () => {
  const action = expectAction(
    planned(trio(), 'a', { synchronousStandbyNames: 'ANY 1 ("old@2")' }),
    'configure',
  );
  assert.equal(action.settings.synchronousStandbyNames, 'ANY 1 ("old@2")');
  assert.equal(action.settings.readOnly, false);
});

test('a primary makes the slots of the others before anything waits for them', () => {
  const group = trio();
  const action = expectAction(
    planned(group, 'a', { ...settledPrimary(group), slotsFor: null }),
    'maintain_slots',
  );
  assert.deepEqual(action.nodes, [2, 3]);
});

test('names that differ from the rule are brought into force with their barrier', () => {
  const group = trio();
  const action = expectAction(
    planned(group, 'a', { ...settledPrimary(group), synchronousStandbyNames: '' }),
    'apply_rule',
  );
  assert.equal(action.names, NAMES);
});

test('a rule that has to be proven is applied again when this keeper has not applied it in this term', () => {
  const rule = { cohort: [1, 2, 3], k: 1 };
  const joint = trio().withRules({ cohort: [1, 2], k: 1 }, rule);
  const settled = settledPrimary(joint);
  expectAction(planned(joint, 'a', settled), 'apply_rule');
  expectAction(
    planned(joint, 'a', { ...settled, appliedRule: { ...rule, term: TERM - 1, change: 1 } }),
    'apply_rule',
  );
  expectRest(planned(joint, 'a', { ...settled, appliedRule: { ...rule, term: TERM, change: 1 } }));
});

test('a primary lets clients in only after its marker has been acknowledged', () => {
  const group = trio().withReign({ confirmed: false });
  const record = group.record();
  const closed = {
    ...settledPrimary(group),
    servingTerm: null,
    configured: primarySettings(record, record.reign!, group.local('a'), false),
  };
  expectAction(planned(group, 'a', closed), 'write_marker');
  expectRest(planned(group, 'a', { ...closed, markerUnderWay: TERM }), /waits for the voters/);
  const open = expectAction(planned(group, 'a', { ...closed, markerAcknowledged: TERM }), 'open');
  assert.deepEqual([open.settings.readOnly, open.settings.locked], [false, false]);
});

test('a primary that hears neither the store nor its voters steps down', () => {
  const group = trio();
  const silent = { ...settledPrimary(group), storeSilentMs: 3_000, quorumSilentMs: 3_000 };
  expectAction(planned(group, 'a', silent), 'stop');
  expectRest(planned(group, 'a', { ...silent, storeSilentMs: 2_999 }));
  expectAction(planned(group, 'a', { ...silent, quorumSilentMs: 2_999 }), 'configure');
});

test('a primary that does not hear the store is closed for writes as soon as its voters are missed', () => {
  const group = trio();
  const silent = { ...settledPrimary(group), storeSilentMs: 3_000, quorumSilentMs: 500 };
  const { settings } = expectAction(planned(group, 'a', silent), 'configure');
  assert.deepEqual([settings.readOnly, settings.locked], [true, false]);
  // A connection that broke is back by then.
  expectRest(planned(group, 'a', { ...silent, quorumSilentMs: 499 }));
  expectRest(planned(group, 'a', { ...silent, storeSilentMs: 2_999 }));
});

test('a primary that was closed for writes is opened when its voters are heard, and not when the store is', () => {
  const group = trio();
  const settled = settledPrimary(group);
  const shut = { ...settled, configured: { ...settled.configured!, readOnly: true } };
  expectRest(planned(group, 'a', { ...shut, quorumSilentMs: 500, storeSilentMs: 0 }), /until its voters/);
  const heard = { ...shut, quorumSilentMs: 0, storeSilentMs: 60_000 };
  assert.equal(expectAction(planned(group, 'a', heard), 'configure').settings.readOnly, false);
});

test('a primary that goes on alone by decision does not step down when the store is silent', () => {
  const alone = aGroup()
    .withPrimary('a')
    .withStandby('b', { votes: false })
    .withRules({ cohort: [1], k: 0 });
  const settled = { ...settledPrimary(alone), synchronousStandbyNames: '', slotsFor: [2] };
  expectRest(planned(alone, 'a', { ...settled, storeSilentMs: 60_000, quorumSilentMs: 60_000 }));
});

test('a keeper that has just been woken does not take its own sleep for the silence of the store', () => {
  const silent = { postgres: crashed, storeSilentMs: 60_000 };
  expectRest(planned(trio(), 'a', { ...silent, keeperLagMs: 1_000 }), /the group decides/);
  expectAction(planned(trio(), 'a', { ...silent, keeperLagMs: 999 }), 'start_primary');
});

test('a crashed primary waits for the group, unless it may restart or the store is silent', () => {
  expectRest(planned(trio(), 'a', { postgres: crashed }), /the group decides/);
  const start = expectAction(
    planned(trio().withReign({ restarts: 1 }), 'a', { postgres: crashed }),
    'start_primary',
  );
  assert.deepEqual([start.restarts, start.settings.locked, start.settings.readOnly], [1, true, true]);
  expectAction(planned(trio(), 'a', { postgres: crashed, storeSilentMs: 2_000 }), 'start_primary');
});

test('a node that was elected while it was down starts as a standby and is promoted then', () => {
  const group = trio().withReign({ timeline: 3 });
  expectAction(planned(group, 'a', { promotedTerm: TERM - 1, postgres: crashed }), 'start_standby');
  const standby = { role: 'standby', position: { timeline: 1, lsn: '0/3000000' }, history: [] } as const;
  const promote = expectAction(
    planned(group, 'a', { promotedTerm: null, servingTerm: null, postgres: standby }),
    'promote',
  );
  assert.deepEqual([promote.timeline, promote.withMarker], [3, true]);
  assert.equal(
    promote.settings.synchronousStandbyNames,
    NAMES,
    'the names are in force before the promotion',
  );
  assert.equal(promote.settings.readOnly, true);
  const young = { promotedTerm: null, postgres: { ...standby, position: null } };
  expectRest(planned(group, 'a', young), /end of its WAL is not known/);
});

test('who was promoted by hand since it was elected leaves the next number to people again', () => {
  const position = { timeline: 2, lsn: '0/3000010' };
  const postgres = { role: 'standby', position, history: [{ timeline: 1, end: '0/3000000' }] } as const;
  const group = trio().withReign({ timeline: 3 });
  const promote = expectAction(planned(group, 'a', { promotedTerm: null, postgres }), 'promote');
  assert.equal(promote.timeline, 4);
});

test('a holder that runs as a standby on its own timeline is stopped, to be started as the primary', () => {
  const standby = { role: 'standby' } as const;
  const stop = expectAction(planned(trio(), 'a', { postgres: standby }), 'stop');
  assert.equal(stop.mode, 'fast');
  expectRest(planned(trio(), 'a', { postgres: standby, storeSilentMs: 2_000 }), /stepped down/);
});

test('a standby follows the holder in its term', () => {
  const group = trio();
  const action = expectAction(planned(group, 'b'), 'configure');
  assert.deepEqual(action.settings.upstream, { node: 1, host: 'a.example', port: 5432, term: TERM });
  assert.equal(action.settings.synchronousStandbyNames, UNSATISFIABLE_NAMES);
  const settled = settledStandby(group, 'b', TERM - 1);
  expectAction(planned(group, 'b', settled), 'configure');
  expectAction(planned(group, 'b', { ...settledStandby(group, 'b'), slotsFor: [] }), 'maintain_slots');
});

test('a stopped standby is started, and a crashed one replays its WAL before it is compared', () => {
  assert.equal(
    expectAction(planned(trio(), 'b', { postgres: stopped }), 'start_standby').settings.upstream?.node,
    1,
  );
  const replay = expectAction(planned(trio(), 'b', { postgres: crashed }), 'start_standby');
  assert.deepEqual([replay.settings.upstream, replay.settings.locked], [null, true]);
});

test('a primary that does not hold the baton is stopped at once', () => {
  const stop = expectAction(planned(trio(), 'b', { postgres: { role: 'primary' } }), 'stop');
  assert.equal(stop.mode, 'immediate');
});

test('a node with WAL that the holder does not have is stopped and rewound', () => {
  const diverged = { position: { timeline: 1, lsn: '0/3000001' }, history: [] } as const;
  expectAction(planned(trio(), 'b', { postgres: diverged }), 'stop');
  expectAction(planned(trio(), 'b', { postgres: { ...stopped, ...diverged } }), 'rewind');
});

test('a node is rewound before the reign is confirmed: its first commit may wait for that very node', () => {
  const diverged = { position: { timeline: 1, lsn: '0/3000001' }, history: [] } as const;
  const young = trio().withReign({ confirmed: false });
  expectAction(planned(young, 'b', { postgres: { ...stopped, ...diverged } }), 'rewind');
  expectAction(planned(young, 'b', { postgres: { ...crashed, status: 'absent' } }), 'clone');
});

test('another history under the same timeline number is never rewound, it is copied anew', () => {
  const foreign = { history: [{ timeline: 1, end: '0/2FFFFFF' }] } as const;
  expectAction(planned(trio(), 'b', { postgres: foreign }), 'clone');
});

test('an empty node is copied from a confirmed primary, and a half-made one is taken up again', () => {
  expectAction(planned(trio(), 'b', { postgres: { ...crashed, status: 'absent' } }), 'clone');
  expectAction(planned(trio(), 'b', { postgres: { ...crashed, status: 'incomplete' } }), 'rewind');
  const unready = trio().withReign({ history: null, confirmed: false });
  expectRest(planned(unready, 'b', { postgres: { ...crashed, status: 'absent' } }));
  expectRest(planned(unready, 'b', { postgres: { ...crashed, status: 'incomplete' } }));
});

test('a server of another system is left alone', () => {
  const foreign = { postgres: { systemIdentifier: '1' } };
  const elects = trio().withIntent({ stage: 'elect' });
  for (const group of [trio(), elects])
    for (const node of ['a', 'b']) expectRest(planned(group, node, foreign), /system identifier/);
});

test('before the history of a reign is known, only who has no more than its basis follows', () => {
  const young = trio().withReign({ history: null, confirmed: false });
  const behind = { position: { timeline: 1, lsn: '0/2000000' }, history: [] } as const;
  expectAction(planned(young, 'b', { postgres: behind }), 'configure');
  expectRest(planned(young, 'b', { postgres: { ...behind, position: { timeline: 1, lsn: '0/3000001' } } }));
});

test('a voter pledges a new term, without an upstream', () => {
  const action = expectAction(planned(trio().withIntent({}), 'b'), 'pledge');
  assert.equal(action.term, NEXT);
  assert.equal(action.settings.upstream, null);
  const cut = { pledge: pledge(NEXT), postgres: { upstream: null } };
  expectRest(planned(trio().withIntent({}), 'b', cut), /is pledged/);
});

test('who still receives after it has pledged cuts that and pledges again: its fetch was given up', () => {
  const group = trio().withIntent({});
  const upstream = { node: 3, host: 'c.example', port: 5432, term: NEXT };
  const configured = standbySettings(group.record(), group.local('b'), upstream, false);
  const cut = { pledge: pledge(NEXT), postgres: { upstream: null } };
  for (const local of [{ pledge: pledge(NEXT) }, { ...cut, configured }])
    assert.equal(expectAction(planned(group, 'b', local), 'pledge').settings.upstream, null);
  expectRest(planned(group, 'b', { ...cut, configured: { ...configured, upstream: null } }), /is pledged/);
});

test('the old primary stops before it pledges, and a stopped member starts to find its end of WAL', () => {
  assert.equal(expectAction(planned(trio().withIntent({}), 'a'), 'stop').mode, 'immediate');
  for (const postgres of [crashed, stopped]) {
    const start = expectAction(planned(trio().withIntent({}), 'b', { postgres }), 'start_standby');
    assert.deepEqual([start.settings.upstream, start.settings.locked], [null, true]);
  }
});

test('a holder that crashed lets the others elect first, and pledges when they take long', () => {
  for (const postgres of [crashed, stopped]) {
    expectRest(planned(trio().withIntent({}), 'a', { postgres, intentAgeMs: 999 }), /without it/);
    expectAction(planned(trio().withIntent({}), 'a', { postgres, intentAgeMs: 1_000 }), 'start_standby');
  }
});

test('a member without data, or whose server does not answer, can not pledge', () => {
  for (const status of ['absent', 'incomplete', 'starting', 'unresponsive'] as const) {
    expectRest(planned(trio().withIntent({}), 'b', { postgres: { ...crashed, status } }));
  }
});

test('a node outside of the cohort has no part in an election, and goes on following', () => {
  const group = aGroup().withPrimary('a').withStandby('b').withStandby('c', { votes: false }).withIntent({});
  expectRest(planned(group, 'c', settledStandby(group, 'c')));
});

const drain = { kind: 'handover', stage: 'drain', target: 2 } as const;

test('in a handover the primary takes checkpoints, then shuts down and pledges', () => {
  const group = trio().withIntent(drain);
  expectAction(planned(group, 'a'), 'checkpoint');
  expectAction(planned(group, 'a', { checkpointedFor: NEXT }), 'hand_over');
  const handOver = expectAction(planned(group, 'a', { postgres: stopped }), 'hand_over');
  // Whoever starts and promotes it afterwards has no voter acknowledge for the old term.
  assert.equal(handOver.settings.synchronousStandbyNames, UNSATISFIABLE_NAMES);
  expectRest(planned(group, 'a', { postgres: stopped, pledge: pledge(NEXT) }), /the others follow/);
  expectRest(planned(group, 'b', settledStandby(group, 'b')));
});

test('the target of a handover waits for the last WAL of the old primary, but not for ever', () => {
  const cleanEnd = { timeline: TIMELINE, lsn: '0/6000000' };
  const group = trio().withIntent({ ...drain, stage: 'elect', cleanEnd });
  expectRest(planned(group, 'b'), /on its way/);
  expectAction(planned(group, 'b', { intentAgeMs: 3_000 }), 'pledge');
  expectAction(planned(group, 'b', { postgres: { position: cleanEnd } }), 'pledge');
  expectRest(planned(group, 'c', { intentAgeMs: 999 }), /without it/);
  expectAction(planned(group, 'c', { intentAgeMs: 1_000 }), 'pledge');
});

test('the candidate of a fetch receives from the source under the new term, and pledges again', () => {
  const upTo = { timeline: TIMELINE, lsn: '0/6000000' };
  const group = trio().withIntent({ stage: 'fetch', fetch: { candidate: 2, source: 3, upTo } });
  const behind = { pledge: pledge(NEXT) };
  const action = expectAction(planned(group, 'b', behind), 'configure');
  assert.deepEqual(action.settings.upstream, { node: 3, host: 'c.example', port: 5432, term: NEXT });
  expectRest(planned(group, 'b', { ...behind, configured: action.settings }), /fetching/);
  expectAction(planned(group, 'b', { ...behind, postgres: { position: upTo } }), 'pledge');
  const source = { pledge: pledge(NEXT, upTo.lsn), postgres: { upstream: null } };
  assert.deepEqual(expectAction(planned(group, 'c', source), 'maintain_slots').nodes, [1, 2]);
  expectRest(planned(group, 'c', { ...source, slotsFor: [1, 2] }), /fetched/);
});

test('the source of a fetch that is down is started to give its WAL away', () => {
  const upTo = { timeline: TIMELINE, lsn: '0/6000000' };
  const group = trio().withIntent({ stage: 'fetch', fetch: { candidate: 2, source: 3, upTo } });
  const source = { pledge: pledge(NEXT, upTo.lsn), slotsFor: [1, 2] };
  assert.equal(
    expectAction(planned(group, 'c', { ...source, postgres: stopped }), 'start_standby').settings.upstream,
    null,
  );
  expectRest(planned(group, 'c', { ...source, postgres: { upstream: null } }), /fetched/);
});

test('the candidate of a fetch that went down is started with its source', () => {
  const upTo = { timeline: TIMELINE, lsn: '0/6000000' };
  const group = trio().withIntent({ stage: 'fetch', fetch: { candidate: 2, source: 3, upTo } });
  const start = expectAction(
    planned(group, 'b', { pledge: pledge(NEXT), postgres: stopped }),
    'start_standby',
  );
  assert.equal(start.settings.upstream?.node, 3);
});

test('a holder whose first start was cut off starts again without a permission', () => {
  const first = aGroup().withPrimary('a').withReign({ basis: null, history: null });
  expectAction(planned(first, 'a', { servingTerm: null, postgres: stopped }), 'start_primary');
});

test('a dropped node stops when nothing counts on it, and not before', () => {
  const dropped = aGroup()
    .withPrimary('a')
    .withStandby('b', { votes: false, entry: { dropping: 'asked' } });
  expectAction(planned(dropped, 'b'), 'leave');
  for (const status of ['stopped', 'crashed', 'absent', 'incomplete'] as const) {
    expectRest(planned(dropped, 'b', { postgres: { ...stopped, status } }), /dropped/);
  }
  const voter = aGroup()
    .withPrimary('a')
    .withStandby('b', { entry: { dropping: 'asked' } });
  assert.notEqual(planned(voter, 'b').action?.kind, 'leave');
});

test('a node in maintenance is left alone as soon as the group does not need it', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b', { votes: false, entry: { maintenance: true } });
  expectRest(planned(group, 'b', { postgres: crashed }), /maintenance/);
  expectRest(planned(group, 'b', { postgres: stopped }), /maintenance/);
});

test('a primary that has lost the baton is stopped in maintenance too, because it looks writable', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b', { votes: false, entry: { maintenance: true } });
  expectAction(planned(group, 'b', { postgres: { role: 'primary' } }), 'stop');
});

test('every kind of action is reached by these tests', () => {
  // lease.test.ts has the one that needs a group without a quorum.
  assert.deepEqual([...reached.add('ask_members')].sort(), Object.keys(ACTION_KINDS).sort());
});
