import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, type GroupBuilder, type NodeOptions } from '../../test/support/a-group.ts';
import { decide } from './decide.ts';
import type { Evidence, Readiness } from './evidence.ts';
import { DEFAULT_SETTINGS, emptyRecord, type GroupRecord } from './group-record.ts';
import { announceMove, arrive, finishMove, hasMoved, readinessOf, undoMove } from './move-record.ts';
import { groupObstacles } from './obstacles.ts';
import { isLater, originOf, stampOf, standingOf } from './record-home.ts';
import { recoverGroup } from './recover-group.ts';
import { requestSwitchover, type Accepted, type Answer, type Refused } from './requests.ts';

const ETCD = 'etcd://e1:2379';
const MONITOR = 'pgbaton://monitor:5000';
const trio = (primary: NodeOptions = {}): GroupBuilder =>
  aGroup().withPrimary('a', primary).withStandby('b').withStandby('c');
const CRASHED = trio({ postgres: { status: 'crashed', role: null, followers: [] } }).evidence();
const GROUP = trio();
const RECORD = GROUP.record();
const EVIDENCE = GROUP.evidence();

function accepted(answer: Answer): Accepted {
  assert(answer.kind === 'accepted', answer.kind === 'refused' ? answer.message : '');
  return answer;
}

function refused(answer: Answer): Refused {
  assert(answer.kind === 'refused', 'it was accepted');
  return answer;
}

function announced(record = RECORD, evidence = EVIDENCE, to = ETCD, incarnation = 'second'): GroupRecord {
  return accepted(announceMove(record, evidence, { to, incarnation, proof: null, requestedBy: 'op@host' }))
    .next;
}

/** What each node says of the new home; undefined: nothing yet. */
function saying(say: (name: string) => Partial<Readiness> | undefined, evidence = EVIDENCE): Evidence {
  const reports = evidence.reports.map(({ report, ageMs }) => {
    const name = RECORD.nodes.find(({ id }) => id === report.node)?.name ?? '';
    const said = say(name);
    const readiness = said && {
      incarnation: 'second',
      keeperPort: 15_000 + report.node,
      problem: null,
      ...said,
    };
    return { ageMs, report: { ...report, readiness } };
  });
  return { ...evidence, reports };
}

const READY = saying(() => ({}));
const moved = (): GroupRecord => accepted(finishMove(announced(), READY, ETCD)).next;

test('while a move is announced the home goes on deciding', () => {
  assert.equal(decide(announced(), CRASHED)?.rule, 'fail_over');
});

test('a move that was announced before goes on under the same incarnation, another one begins anew', () => {
  const record = announced();
  assert.equal(announced(record, EVIDENCE, ETCD, 'third'), record);
  assert.equal(announced(record, EVIDENCE, MONITOR, 'third').move?.incarnation, 'third');
});

test('the record is closed only when every node has said that it can use this very home', () => {
  const record = announced();
  const told = (evidence: Evidence): string => refused(finishMove(record, evidence, ETCD)).message;
  assert.match(told(EVIDENCE), /"a" can't go along: its keeper has not tried it yet/);
  assert.match(told(saying((name) => (name === 'b' ? { problem: 'no token' } : {}))), /"b".*: no token/);
  assert.match(told(saying((name) => (name === 'c' ? { incarnation: 'of before' } : {}))), /"c".*not tried/);
  assert.match(refused(finishMove(record, READY, MONITOR)).message, /no move to pgbaton/);
  assert.match(refused(finishMove(RECORD, READY, ETCD)).message, /no move to etcd/);
  assert(hasMoved(accepted(finishMove(record, READY, ETCD)).next));
});

test('a failure that was tried is told from one that may pass', () => {
  const evidence = saying((name) => ({ a: {}, b: { problem: 'no token' } })[name]);
  assert.deepEqual(readinessOf(announced(), evidence), [
    { name: 'a', missing: null, hasFailed: false },
    { name: 'b', missing: 'no token', hasFailed: true },
    { name: 'c', missing: 'its keeper has not tried it yet', hasFailed: false },
  ]);
});

test('nothing moves while a node is missing or resting, or the primary changes', () => {
  const beginning = (record: GroupRecord, evidence: Evidence): Answer =>
    announceMove(record, evidence, { to: ETCD, incarnation: 'second', proof: null, requestedBy: 'op@host' });
  const cases: readonly (readonly [GroupRecord, Evidence, RegExp])[] = [
    [RECORD, { ...EVIDENCE, reports: EVIDENCE.reports.slice(0, 2) }, /"c" is not heard of/],
    [withNode({ maintenance: true }), EVIDENCE, /"c" is in maintenance/],
    [withNode({ dropping: 'asked' }), EVIDENCE, /"c" is being dropped/],
    [handingOver(), EVIDENCE, /a change of primary is under way/],
    [{ ...RECORD, reign: null }, EVIDENCE, /no primary that serves clients/],
  ];
  for (const [record, evidence, why] of cases) {
    assert.match(refused(beginning(record, evidence)).message, why);
    const { move } = announced();
    const late = { ...record, move };
    assert.match(
      refused(finishMove(late, { ...READY, reports: READY.reports.slice(0, evidence.reports.length) }, ETCD))
        .message,
      why,
    );
  }
});

function withNode(changes: Partial<GroupRecord['nodes'][number]>): GroupRecord {
  return {
    ...RECORD,
    nodes: RECORD.nodes.map((node) => (node.name === 'c' ? { ...node, ...changes } : node)),
  };
}

function handingOver(): GroupRecord {
  return accepted(requestSwitchover(RECORD, EVIDENCE, { target: null, requestedBy: 'op@host' })).next;
}

test('a group whose primary needs a lease does not move, also not when that begins meanwhile', () => {
  const strict = (record: GroupRecord): GroupRecord => ({
    ...record,
    settings: { ...record.settings, reads: 'strict' },
  });
  const request = { to: ETCD, incarnation: 'second', proof: null, requestedBy: 'operator' };
  assert.match(refused(announceMove(strict(RECORD), EVIDENCE, request)).message, /needs a lease/);
  assert.match(refused(finishMove(strict(announced()), READY, ETCD)).message, /needs a lease/);
});

test('a home that the group has left decides nothing, grants nothing and takes nothing back', () => {
  const record = moved();
  assert.equal(decide(record, CRASHED), undefined);
  assert.deepEqual(groupObstacles(record, EVIDENCE), ['the group has moved to etcd://e1:2379']);
  assert.match(refused(undoMove(record)).message, /the group has moved to etcd/);
  assert.match(refused(finishMove(record, READY, ETCD)).message, /the group has moved to etcd/);
});

test('what is undone leaves nothing behind', () => {
  assert.deepEqual(accepted(undoMove(announced())).next, RECORD);
});

test('keepers listen where they decide themselves, and nowhere else', () => {
  assert.deepEqual(
    moved().nodes.map(({ keeperPort }) => keeperPort),
    RECORD.nodes.map(({ id }) => 15_000 + id),
  );
  const inEtcd = accepted(arrive(null, moved())).next;
  const back = announced(inEtcd, EVIDENCE, MONITOR, 'third');
  const toMonitor = saying(() => ({ incarnation: 'third', keeperPort: null }));
  assert(accepted(finishMove(back, toMonitor, MONITOR)).next.nodes.every((node) => !('keeperPort' in node)));
});

test('the new home begins with what the old one ended with, and every version of before leads to it', () => {
  const last = moved();
  const { next } = accepted(arrive(null, last));
  assert.deepEqual({ ...next, home: last.home, move: last.move }, last);
  assert.equal(isLater(last, 4_000, next, 1), true, 'versions of two homes are not compared');
  assert.equal(standingOf(stampOf(RECORD, 4_000), next, 1), 'known');
  assert.equal(standingOf(stampOf(next, 1), last, 4_000), 'ahead', 'the old home is not believed any more');
});

test('a record arrives where nobody is, in a home that the group has left before, and once', () => {
  const last = moved();
  const empty = emptyRecord('default', 0, DEFAULT_SETTINGS, 'new');
  const { next } = accepted(arrive({ record: empty, version: 1 }, last));
  assert.equal(accepted(arrive({ record: next, version: 2 }, last)).next, next, 'somebody was faster');
  const back = { ...next, move: { ...last.move!, to: MONITOR, incarnation: 'third' } };
  const { next: again } = accepted(arrive({ record: last, version: 4_000 }, back));
  assert.deepEqual(again.home.incarnations, [...RECORD.home.incarnations, 'second', 'third']);
});

test('there is no room in the present home of the group, or in that of another group', () => {
  assert.match(refused(arrive({ record: RECORD, version: 9 }, announced())).message, /the group has now/);
  const other = { ...RECORD, home: { incarnations: ['other'], writers: [] } };
  assert.match(refused(arrive({ record: other, version: 9 }, announced())).message, /has another group/);
  assert.match(refused(arrive(null, RECORD)).message, /not on its way/);
});

test('a group whose new home is lost is recovered into a home that it may live in', () => {
  const last = moved();
  const callers = EVIDENCE.reports.map(({ report }) => ({
    report: { ...report, recordVersion: 10, recordOrigin: originOf(last) },
    record: last,
  }));
  const request = {
    nodes: 3,
    missing: [],
    from: null,
    allowDataLoss: false,
    requestedBy: 'op',
    incarnation: 'x',
  };
  const { next } = accepted(recoverGroup({ record: last, version: 10 }, callers, request));
  assert.equal(next.move, undefined);
});
