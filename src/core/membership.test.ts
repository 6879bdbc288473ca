import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aFollower,
  aGroup,
  END_OF_WAL,
  HISTORY,
  TERM,
  type GroupBuilder,
  type NodeOptions,
} from '../../test/support/a-group.ts';
import type { Follower } from './evidence.ts';
import type { Rule } from './group-record.ts';
import { ruleFor, wantedRule } from './membership.ts';

const ABSENT_MS = 300_000;
const DETECTION_MS = 3_000;

function wanted(group: GroupBuilder): Rule | undefined {
  return wantedRule(group.record(), group.evidence())?.rule;
}

/** A primary with one voter, and a third node that asks to be let in. */
function withJoiner(
  joiner: NodeOptions,
  followers: readonly Follower[] = [aFollower(2), aFollower(3)],
): GroupBuilder {
  return aGroup()
    .withPrimary('a', { postgres: { followers } })
    .withStandby('b')
    .withStandby('c', { votes: false, ...joiner });
}

test('a group in which everybody streams keeps its rule', () => {
  assert.equal(wanted(aGroup().withPrimary('a').withStandby('b').withStandby('c')), undefined);
});

test('a standby that streams and has caught up becomes a voter', () => {
  assert.deepEqual(wanted(withJoiner({})), { cohort: [1, 2, 3], k: 1 });
});

test('a standby is no voter before it streams in the present term, close to the end', () => {
  const refused: readonly Follower[] = [
    aFollower(3, TERM - 1),
    aFollower(3, TERM, { state: 'catchup' }),
    aFollower(3, TERM, { flushLsn: null }),
    aFollower(3, TERM, { flushLsn: '0/3FFFFFF' }),
  ];
  for (const follower of refused) {
    assert.equal(wanted(withJoiner({}, [aFollower(2), follower])), undefined, JSON.stringify(follower));
  }
  assert.equal(wanted(withJoiner({}, [aFollower(2)])), undefined);
  assert.deepEqual(wanted(withJoiner({}, [aFollower(2), aFollower(3, TERM, { flushLsn: '0/4000000' })])), {
    cohort: [1, 2, 3],
    k: 1,
  });
});

test('a standby whose WAL is not on the history of the reign never becomes a voter', () => {
  const position = { timeline: 2, lsn: END_OF_WAL };
  assert.equal(wanted(withJoiner({ postgres: { position, history: [] } })), undefined);
  assert.equal(
    wanted(withJoiner({ postgres: { position: { timeline: 1, lsn: '0/3000001' }, history: [] } })),
    undefined,
  );
  assert.deepEqual(wanted(withJoiner({ postgres: { position, history: HISTORY } }))?.cohort, [1, 2, 3]);
});

test('a standby that is silent, or that people keep out, never becomes a voter', () => {
  assert.equal(wanted(withJoiner({ silentMs: DETECTION_MS })), undefined);
  for (const entry of [{ replicationQuorum: false }, { maintenance: true }, { dropping: 'asked' as const }]) {
    assert.equal(wanted(withJoiner({ entry })), undefined, JSON.stringify(entry));
  }
});

test('a voter that people keep out leaves the cohort at once', () => {
  for (const entry of [{ replicationQuorum: false }, { maintenance: true }, { dropping: 'asked' as const }]) {
    const group = aGroup().withPrimary('a').withStandby('b').withStandby('c', { entry });
    assert.deepEqual(wanted(group), { cohort: [1, 2], k: 1 }, JSON.stringify(entry));
  }
});

test('a voter that is away stays a voter, because writes go on without it', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { awayMs: ABSENT_MS - 1, silentMs: 60_000 });
  assert.equal(wanted(group), undefined);
});

test('a voter that stays away too long is taken out, so that the next failure can be survived', () => {
  const group = aGroup().withPrimary('a').withStandby('b').withStandby('c', { awayMs: ABSENT_MS });
  assert.deepEqual(wanted(group), { cohort: [1, 2], k: 1 });
});

test('absence never takes the copies of a commit below what was asked for', () => {
  const bothGone = aGroup()
    .withPrimary('a')
    .withStandby('b', { awayMs: ABSENT_MS })
    .withStandby('c', { awayMs: ABSENT_MS });
  assert.equal(wanted(bothGone), undefined);
  const strict = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { awayMs: ABSENT_MS })
    .withSettings({ numberSyncStandbys: 2 });
  assert.equal(wanted(strict), undefined);
});

test('with number_sync_standbys 0 a primary goes on alone as soon as no voter is left', () => {
  const pair = (awayMs: number): GroupBuilder => aGroup().withPrimary('a').withStandby('b', { awayMs });
  assert.equal(wanted(pair(DETECTION_MS - 1)), undefined);
  assert.deepEqual(wanted(pair(DETECTION_MS)), { cohort: [1], k: 0 });
  const one = aGroup()
    .withPrimary('a')
    .withStandby('b', { awayMs: DETECTION_MS })
    .withStandby('c')
    .withSettings({ numberSyncStandbys: 0 });
  assert.equal(wanted(one), undefined);
});

test('k follows number_sync_standbys, as far as there are voters', () => {
  const trio = aGroup().withPrimary('a').withStandby('b').withStandby('c');
  assert.deepEqual(
    wanted(trio.withSettings({ numberSyncStandbys: 2 }).withRules({ cohort: [1, 2, 3], k: 1 })),
    {
      cohort: [1, 2, 3],
      k: 2,
    },
  );
  assert.deepEqual(ruleFor(1, [2], 2), { cohort: [1, 2], k: 1 });
  assert.deepEqual(ruleFor(3, [2, 1], 0), { cohort: [1, 2, 3], k: 1 });
  assert.deepEqual(ruleFor(1, [], 2), { cohort: [1], k: 0 });
});

test('each change tells in words why it is made', () => {
  const joined = withJoiner({});
  assert.match(
    wantedRule(joined.record(), joined.evidence())?.because ?? '',
    /"c" streams and has caught up/,
  );
});
