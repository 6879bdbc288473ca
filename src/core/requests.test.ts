import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, SYSTEM_IDENTIFIER, TERM, type GroupBuilder } from '../../test/support/a-group.ts';
import { DEFAULT_SETTINGS, emptyRecord, type GroupRecord } from './group-record.ts';
import {
  disableMaintenance,
  dropNode,
  enableMaintenance,
  registerNode,
  requestFailover,
  requestSwitchover,
  updateNode,
  updateSettings,
  type Accepted,
  type Answer,
  type Refused,
  type Registration,
} from './requests.ts';

const EMPTY = emptyRecord('default', 0, DEFAULT_SETTINGS);
const newcomer: Registration = {
  name: 'd',
  host: 'd.example',
  port: 5432,
  candidatePriority: 50,
  replicationQuorum: true,
  systemIdentifier: null,
};
const trio = (): GroupBuilder => aGroup().withPrimary('a').withStandby('b').withStandby('c');
const pair = (): GroupBuilder => aGroup().withPrimary('a').withStandby('b');
const asked = { target: null, requestedBy: 'operator' };

function accepted(answer: Answer): Accepted {
  assert.equal(answer.kind, 'accepted', answer.kind === 'refused' ? answer.message : '');
  return answer as Accepted;
}

function refused(answer: Answer, code: Refused['code']): Refused {
  assert.equal(answer.kind, 'refused');
  assert.ok(answer.kind === 'refused');
  assert.equal(answer.code, code, answer.message);
  assert.ok(answer.message.length > 0 && answer.hint.length > 0);
  assert.match(answer.message, /^[^A-Z].*[^.]$/, 'messages begin in lower case and have no full stop');
  return answer;
}

test('the first node to register gets the baton and is the whole cohort', () => {
  const answer = registerNode(EMPTY, { ...newcomer, name: null });
  const { next } = accepted(answer);
  assert.equal(answer.nodeId, 1);
  assert.equal(next.nodes[0]?.name, 'node_1');
  assert.deepEqual([next.reign?.holder, next.reign?.term, next.reign?.confirmed], [1, 1, false]);
  assert.deepEqual(next.rules, [{ cohort: [1], k: 0 }]);
});

test('a later node joins outside of the cohort, and never gets an id that another one had', () => {
  const answer = registerNode(trio().withRecord({ nextNodeId: 9 }).record(), newcomer);
  const { next } = accepted(answer);
  assert.equal(answer.nodeId, 9);
  assert.equal(next.nextNodeId, 10);
  assert.deepEqual(next.rules, trio().record().rules);
});

test('a node that registers twice is found again', () => {
  const record = trio().record();
  const answer = registerNode(record, { ...newcomer, name: 'b', host: 'b.example' });
  assert.equal(answer.nodeId, 2);
  assert.equal(accepted(answer).next, record);
  assert.equal(registerNode(record, { ...newcomer, name: null, host: 'b.example' }).nodeId, 2);
});

test('an address or a name that another node has is refused', () => {
  refused(registerNode(trio().record(), { ...newcomer, host: 'b.example' }), 'BATON_NODE_EXISTS');
  refused(registerNode(trio().record(), { ...newcomer, name: 'b' }), 'BATON_NODE_EXISTS');
});

test('a data directory of another system is refused, also of a node that is registered', () => {
  const foreign = { ...newcomer, systemIdentifier: '1' };
  refused(registerNode(trio().record(), foreign), 'BATON_SYSTEM_IDENTIFIER');
  refused(
    registerNode(trio().record(), { ...foreign, name: 'b', host: 'b.example' }),
    'BATON_SYSTEM_IDENTIFIER',
  );
  accepted(registerNode(trio().record(), { ...newcomer, systemIdentifier: SYSTEM_IDENTIFIER }));
});

test('the role policy and the address of a node can be changed, as long as they stay unique', () => {
  const { next, because } = accepted(updateNode(trio().record(), 2, { candidatePriority: 0 }));
  assert.equal(next.nodes[1]?.candidatePriority, 0);
  assert.match(because, /candidate_priority 0/);
  refused(updateNode(trio().record(), 2, { name: 'c' }), 'BATON_NODE_EXISTS');
  refused(updateNode(trio().record(), 2, { host: 'c.example' }), 'BATON_NODE_EXISTS');
  refused(updateNode(trio().record(), 9, { candidatePriority: 0 }), 'BATON_NODE_NOT_FOUND');
});

test('a voter is not taken out of the quorum where commits have to stand on it', () => {
  const strict = pair().withSettings({ numberSyncStandbys: 1 });
  refused(updateNode(strict.record(), 2, { replicationQuorum: false }), 'BATON_UNSAFE');
  accepted(updateNode(pair().record(), 2, { replicationQuorum: false }));
});

test('number_sync_standbys leaves one standby to spare', () => {
  refused(updateSettings(trio().record(), { numberSyncStandbys: 2 }), 'BATON_REFUSED');
  assert.equal(
    accepted(updateSettings(trio().record(), { numberSyncStandbys: 1 })).next.settings.numberSyncStandbys,
    1,
  );
  accepted(updateSettings(trio().record(), { numberSyncStandbys: 0 }));
});

function drop(group: GroupBuilder, node: number, force = false): Answer {
  return dropNode(group.record(), group.evidence(), node, force);
}

test('a standby is dropped, by force or not, unless commits have to stand on it', () => {
  assert.equal(accepted(drop(trio(), 3)).next.nodes[2]?.dropping, 'asked');
  assert.equal(accepted(drop(trio(), 3, true)).next.nodes[2]?.dropping, 'forced');
  refused(drop(pair().withSettings({ numberSyncStandbys: 1 }), 2), 'BATON_UNSAFE');
  refused(drop(trio(), 9), 'BATON_NODE_NOT_FOUND');
});

test('a primary hands over before it is dropped', () => {
  const { next } = accepted(drop(trio(), 1));
  assert.deepEqual([next.intent?.kind, next.intent?.from, next.nodes[0]?.dropping], ['handover', 1, 'asked']);
  refused(drop(aGroup().withPrimary('a').withStandby('b', { silentMs: 60_000 }), 1), 'BATON_UNSAFE');
  refused(drop(trio().withIntent({}), 1), 'BATON_GROUP_BUSY');
});

test('the last node takes the history of the group with it, but numbers are never given twice', () => {
  const { next } = accepted(drop(aGroup().withPrimary('a'), 1));
  assert.deepEqual([next.nodes, next.reign, next.rules, next.systemIdentifier], [[], null, [], null]);
  assert.deepEqual([next.term, next.nextNodeId, next.nextTimeline], [TERM, 2, 4]);
});

function maintain(group: GroupBuilder, node: number, allowFailover = false): Answer {
  return enableMaintenance(group.record(), group.evidence(), node, allowFailover);
}

test('maintenance leaves a standby alone, unless commits have to stand on it', () => {
  assert.equal(accepted(maintain(trio(), 2)).next.nodes[1]?.maintenance, true);
  refused(maintain(pair().withSettings({ numberSyncStandbys: 1 }), 2), 'BATON_UNSAFE');
  refused(maintain(trio(), 9), 'BATON_NODE_NOT_FOUND');
});

test('maintenance of a primary hands over first, and only when that is allowed', () => {
  refused(maintain(trio(), 1), 'BATON_UNSAFE');
  refused(maintain(trio().withIntent({}), 1, true), 'BATON_GROUP_BUSY');
  assert.equal(accepted(maintain(trio(), 1, true)).next.intent?.kind, 'handover');
});

test('who leaves may be the primary: the copies that are left are counted without it, in any order', () => {
  const strict = { numberSyncStandbys: 1 };
  refused(maintain(pair().withSettings(strict), 1, true), 'BATON_UNSAFE');
  refused(drop(pair().withSettings(strict), 1), 'BATON_UNSAFE');
  const first = accepted(maintain(trio(), 1, true)).next;
  refused(enableMaintenance(first, trio().evidence(), 3, false), 'BATON_UNSAFE');
  const second = accepted(maintain(trio(), 3)).next;
  refused(enableMaintenance(second, trio().evidence(), 1, true), 'BATON_UNSAFE');
});

test('maintenance ends where it has begun, and asking twice changes nothing', () => {
  const group = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { entry: { maintenance: true } });
  const record = group.record();
  assert.equal(accepted(maintain(group, 3)).next.nodes[2]?.maintenance, true);
  assert.equal(accepted(disableMaintenance(record, 3)).next.nodes[2]?.maintenance, false);
  assert.equal(accepted(disableMaintenance(record, 2)).next, record);
  refused(disableMaintenance(record, 9), 'BATON_NODE_NOT_FOUND');
});

function switchOver(group: GroupBuilder, target: number | null = null): Answer {
  return requestSwitchover(group.record(), group.evidence(), { ...asked, target });
}

test('a switchover begins a handover to the node asked for, and tells its steps', () => {
  const answer = accepted(switchOver(trio(), 3));
  const { intent, term } = answer.next;
  assert.deepEqual([intent?.kind, intent?.stage, intent?.target, term], ['handover', 'drain', 3, TERM + 1]);
  assert.ok(answer.plan.length > 3);
});

test('without a target the node with the highest priority takes over, then the one with the least lag', () => {
  const byPriority = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { entry: { candidatePriority: 90 } });
  assert.equal(accepted(switchOver(byPriority)).next.intent?.target, 3);
  const position = { timeline: 2, lsn: '0/4000000' };
  const byLag = aGroup().withPrimary('a').withStandby('b', { postgres: { position } }).withStandby('c');
  assert.equal(accepted(switchOver(byLag)).next.intent?.target, 3);
});

test('a switchover to the present primary changes nothing', () => {
  const group = trio();
  assert.deepEqual(accepted(switchOver(group, 1)).next, group.record());
});

test('a switchover is refused while there is no primary, no candidate, or another change', () => {
  refused(requestSwitchover(EMPTY, trio().evidence(), asked), 'BATON_REFUSED');
  refused(switchOver(trio().withIntent({})), 'BATON_GROUP_BUSY');
  refused(switchOver(trio().withReign({ confirmed: false })), 'BATON_UNSAFE');
  refused(switchOver(aGroup().withPrimary('a', { silentMs: 60_000 }).withStandby('b')), 'BATON_UNSAFE');
  refused(switchOver(aGroup().withPrimary('a').withStandby('b', { silentMs: 60_000 })), 'BATON_UNSAFE');
  const barred = aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withStandby('c', { entry: { candidatePriority: 0 } });
  assert.match(refused(switchOver(barred, 3), 'BATON_UNSAFE').message, /candidate priority is 0/);
});

function failOver(group: GroupBuilder, allowDataLoss = false): Answer {
  return requestFailover(group.record(), group.evidence(), { ...asked, allowDataLoss });
}

test('a failover of a primary that lives is a switchover', () => {
  assert.equal(accepted(failOver(trio())).next.intent?.kind, 'handover');
});

test('a failover of a primary that is lost collects pledges, with or without accepted loss', () => {
  const lost = (): GroupBuilder =>
    aGroup()
      .withPrimary('a', { silentMs: 60_000 })
      .withStandby('b', { postgres: { upstream: null } })
      .withStandby('c', { silentMs: 60_000 });
  const careful = accepted(failOver(lost()));
  assert.deepEqual([careful.next.intent?.kind, careful.next.intent?.cause], ['failover', 'lost']);
  const forced = accepted(failOver(lost(), true));
  assert.deepEqual([forced.next.intent?.allowDataLoss, forced.next.intent?.cause], [true, 'forced']);
  assert.match(forced.plan.join(' '), /are lost/);
});

test('accepted loss can be added to a failover that waits, and to nothing twice', () => {
  const waiting = trio().withIntent({});
  assert.equal(accepted(failOver(waiting, true)).next.intent?.allowDataLoss, true);
  refused(failOver(waiting), 'BATON_GROUP_BUSY');
  refused(failOver(trio().withIntent({ allowDataLoss: true }), true), 'BATON_GROUP_BUSY');
  refused(requestFailover(EMPTY, trio().evidence(), { ...asked, allowDataLoss: true }), 'BATON_REFUSED');
});

test('no request changes the record that it read', () => {
  const group = trio();
  const record: GroupRecord = group.record();
  const before = JSON.stringify(record);
  registerNode(record, newcomer);
  updateNode(record, 2, { candidatePriority: 1 });
  updateSettings(record, { paused: true });
  dropNode(record, group.evidence(), 1, true);
  enableMaintenance(record, group.evidence(), 1, true);
  requestSwitchover(record, group.evidence(), asked);
  requestFailover(record, group.evidence(), { ...asked, allowDataLoss: true });
  assert.equal(JSON.stringify(record), before);
});
