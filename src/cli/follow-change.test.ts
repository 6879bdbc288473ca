import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aCliContext } from '../../test/support/a-cli-context.ts';
import { aGroup } from '../../test/support/a-group.ts';
import { aGroupBody, anEvent } from '../../test/support/a-node-view.ts';
import type { MonitorClient } from '../api/client.ts';
import type { WatchEvent } from '../api/group-watch.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { newReign } from './change-goal.ts';
import { followChange, type ChangeRequest } from './follow-change.ts';

const before = aGroupBody(aGroup().withPrimary('a').withStandby('b').record(), 7);
const accepted = { accepted: true, because: 'alice asked', plan: [], record_version: 8 };
const handover = withIntent(before.record);
const after = aGroupBody(withReign(before.record), 9);

function withIntent(record: GroupRecord): GroupRecord {
  return aGroup()
    .withPrimary('a')
    .withStandby('b')
    .withIntent({ kind: 'handover', stage: 'drain', term: 4 })
    .withRecord({ nodes: record.nodes })
    .record();
}

function withReign(record: GroupRecord): GroupRecord {
  assert.ok(record.reign !== null);
  return { ...record, term: 4, reign: { ...record.reign, term: 4, holder: 2, confirmed: true } };
}

/** A monitor that pushes these messages and then keeps silent until it is left. */
function watching(messages: readonly WatchEvent[]): MonitorClient['watchGroup'] {
  return async function* (_address, signal) {
    yield* messages;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
}

function request(client: Partial<MonitorClient>, changes: Partial<ChangeRequest> = {}): ChangeRequest {
  return {
    client: client as MonitorClient,
    address: { formation: 'default', group: 0 },
    clock: aCliContext().clock,
    before,
    waitMs: 20_000,
    goal: newReign({ term: 3, nodes: before.nodes }),
    send: () => Promise.resolve(accepted),
    onState: () => undefined,
    onProgress: () => undefined,
    ...changes,
  };
}

test('a change is followed until the monitor shows it done', async () => {
  const seen: string[] = [];
  const [old] = before.nodes;
  assert.ok(old !== undefined);
  const client = {
    watchGroup: watching([
      { kind: 'connected' },
      { kind: 'record', version: 8, record: handover },
      { kind: 'state', node: { ...old, assigned_state: 'draining' } },
      { kind: 'record', version: 9, record: after.record },
    ]),
    getGroup: () => Promise.resolve(after),
  };
  const finished = await followChange(
    request(client, { onState: (node) => seen.push(`${node.name} ${node.assigned_state}`) }),
  );
  assert.equal(finished.accepted, accepted);
  assert.ok(finished.tookOverMs !== undefined);
  assert.ok(seen.includes('a draining'));
});

test('nothing is asked for before the watch is there, so that no transition is missed', async () => {
  const order: string[] = [];
  const client: Partial<MonitorClient> = {
    async *watchGroup(address, signal) {
      order.push('watch');
      yield* watching([{ kind: 'connected' }, { kind: 'record', version: 9, record: after.record }])(
        address,
        signal,
      );
    },
    getGroup: () => Promise.resolve(after),
  };
  await followChange(
    request(client, {
      send: () => {
        order.push('send');
        return Promise.resolve(accepted);
      },
    }),
  );
  assert.deepEqual(order, ['watch', 'send']);
});

test('what is pushed is confirmed by an answer before the group counts as being at rest', async () => {
  const answers = [aGroupBody(after.record, 9, { a: { reported_state: 'demoted' } }), after];
  let asked = 0;
  const client = {
    watchGroup: watching([{ kind: 'connected' }, { kind: 'record', version: 9, record: after.record }]),
    getGroup: () => Promise.resolve(answers[Math.min(asked++, 1)] ?? after),
  };
  await followChange(request(client));
  assert.ok(asked >= 2);
});

test('a refusal of the monitor is thrown as it is', async () => {
  const refusal = new BatonError('BATON_UNSAFE', 'no standby can take over now');
  const client = { watchGroup: watching([{ kind: 'connected' }]) };
  await assert.rejects(followChange(request(client, { send: () => Promise.reject(refusal) })), refusal);
});

test('a monitor that can not be watched is an error, and nothing was asked for', async () => {
  const error = new BatonError('BATON_UNREACHABLE', 'gone');
  const client = { watchGroup: watching([{ kind: 'disconnected', error }]) };
  const send = () => assert.fail('asked');
  await assert.rejects(followChange(request(client, { send })), error);
});

test('a change that is taken back is an error with the reason', async () => {
  const because = 'the switchover is undone: "a" did not shut down within 30000 ms';
  const client = {
    watchGroup: watching([
      { kind: 'connected' },
      { kind: 'record', version: 8, record: handover },
      { kind: 'event', event: anEvent({ rule: 'undo_handover', because }) },
      { kind: 'record', version: 9, record: before.record },
    ]),
    getGroup: () => Promise.resolve(aGroupBody(before.record, 9)),
  };
  await assert.rejects(followChange(request(client)), {
    code: 'BATON_REFUSED',
    message: `it was not done: ${because}`,
  });
});

test('when the time is up the command says what is missing', async () => {
  const client = {
    watchGroup: watching([{ kind: 'connected' }, { kind: 'record', version: 8, record: handover }]),
    getGroup: () => Promise.resolve(aGroupBody(handover, 8)),
  };
  await assert.rejects(followChange(request(client, { waitMs: 50 })), {
    code: 'BATON_GROUP_BUSY',
    detail: 'Missing: "a" is to shut down.',
  });
});

test('a monitor that goes away in between is asked until it answers', async () => {
  let asked = 0;
  const client = {
    watchGroup: watching([
      { kind: 'connected' },
      { kind: 'disconnected', error: new BatonError('BATON_UNREACHABLE', 'gone') },
    ]),
    getGroup() {
      asked += 1;
      return asked === 1
        ? Promise.reject(new BatonError('BATON_UNREACHABLE', 'gone'))
        : Promise.resolve(after);
    },
  };
  await followChange(request(client));
  assert.ok(asked >= 2);
});
