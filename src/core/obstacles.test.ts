import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, type GroupBuilder, type NodeOptions } from '../../test/support/a-group.ts';
import { DEFAULT_SETTINGS, emptyRecord } from './group-record.ts';
import { bytesAtRisk, groupObstacles, promotionObstacles } from './obstacles.ts';

function obstaclesOf(options: NodeOptions): string {
  const group = aGroup().withPrimary('a').withStandby('b', options);
  return promotionObstacles(group.record(), group.evidence(), 2).join('; ');
}

test('nothing stops a healthy voter from being promoted', () => {
  assert.equal(obstaclesOf({}), '');
});

test('each obstacle to a promotion is told in words', () => {
  const cases: readonly (readonly [NodeOptions, RegExp])[] = [
    [{ entry: { dropping: 'asked' } }, /dropped/],
    [{ entry: { maintenance: true } }, /maintenance/],
    [{ entry: { candidatePriority: 0 } }, /priority is 0/],
    [{ entry: { replicationQuorum: false } }, /replication quorum/],
    [{ votes: false }, /not a voter yet/],
    [{ silentMs: 60_000 }, /silent/],
    [{ postgres: { status: 'crashed' } }, /crashed/],
    [{ postgres: { role: 'primary' } }, /not a standby/],
    [{ postgres: { position: null } }, /not known/],
    [{ postgres: { position: { timeline: 1, lsn: '0/3000001' }, history: [] } }, /rewound/],
    [{ postgres: { history: [] } }, /copied anew/],
  ];
  for (const [options, expected] of cases) assert.match(obstaclesOf(options), expected);
});

test('a node outside of the group, the primary itself, and an unknown history are obstacles', () => {
  const group = aGroup().withPrimary('a').withStandby('b');
  assert.deepEqual(promotionObstacles(group.record(), group.evidence(), 9), ['it is not in the group']);
  assert.deepEqual(promotionObstacles(group.record(), group.evidence(), 1), ['it is the primary']);
  const young = group.withReign({ history: null, confirmed: false });
  assert.match(promotionObstacles(young.record(), young.evidence(), 2).join(), /not known yet/);
});

function groupObstaclesOf(group: GroupBuilder): string {
  return groupObstacles(group.record(), group.evidence()).join('\n');
}

test('a healthy group has no obstacles', () => {
  assert.equal(groupObstaclesOf(aGroup().withPrimary('a').withStandby('b').withStandby('c')), '');
});

test('a group that could not fail over says how many members are missing, which, and what to do', () => {
  const text = groupObstaclesOf(
    aGroup().withPrimary('a').withStandby('b').withStandby('c', { silentMs: 60_000 }),
  );
  assert.match(text, /needs the pledges of 2 members and would get 1; silent: "c"/);
  assert.match(text, /pgbaton run/);
});

test('a sick primary, a pause and the problems of the nodes are told', () => {
  const sick = aGroup()
    .withPrimary('a', { postgres: { status: 'crashed', role: null } })
    .withStandby('b', { report: { problem: 'the disk is full' } })
    .withSettings({ paused: true });
  const text = groupObstaclesOf(sick);
  assert.match(text, /PostgreSQL of "a" died/);
  assert.match(text, /paused/);
  assert.match(text, /"b": the disk is full/);
});

test('a group that nobody has joined says how to begin', () => {
  const empty = emptyRecord('default', 0, DEFAULT_SETTINGS);
  assert.match(groupObstacles(empty, aGroup().evidence()).join(), /create postgres/);
});

test('what a promotion would lose is the WAL that the primary was seen to have beyond the node', () => {
  const position = { timeline: 2, lsn: '0/4000000' };
  const group = aGroup().withPrimary('a').withStandby('b', { postgres: { position } });
  assert.equal(bytesAtRisk(group.record(), group.evidence(), 2), 0x1000000);
  assert.equal(bytesAtRisk(group.record(), group.evidence(), 9), null);
  assert.equal(bytesAtRisk({ ...group.record(), reign: null }, group.evidence(), 2), null);
});
