import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { aDecidedGroup } from '../../test/support/a-decided-group.ts';
import { aFollower } from '../../test/support/a-group.ts';
import { aReport } from '../../test/support/a-report.ts';
import { createManualClock } from '../../test/support/manual-clock.ts';
import type { GroupMessage } from '../api/monitor-service.ts';
import { currentRule, DEFAULT_SETTINGS, emptyRecord } from '../core/group-record.ts';
import { registerNode, requestSwitchover, updateNode } from '../core/requests.ts';
import { BatonError } from '../lib/baton-error.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { Store } from '../store/store.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { OVERTAKEN_PER_RUN, TAKEN_ALONG_MS } from './deciding-pace.ts';
import { createFaultLog } from './fault-log.ts';
import { createGroupDecider, type GroupDecider } from './group-decider.ts';
import { toEvent } from './group-events.ts';
import { recordKey } from './record-key.ts';

const CALL = { timeoutMs: 1_000 };

async function openGroup(context: TestContext, wrap: (store: Store) => Store = (store) => store) {
  const clock = createManualClock();
  const memory = createMemoryStore({ clock });
  const store = wrap(memory);
  const record = emptyRecord('default', 0, DEFAULT_SETTINGS);
  const value = JSON.stringify(record);
  await memory.swap({ changes: [{ key: recordKey('default', 0), expected: null, value }] }, CALL);
  const faults = createFaultLog(SILENT_LOGGER, () => clock.now());
  const deps = {
    store,
    log: SILENT_LOGGER,
    faults,
    now: () => clock.now(),
    wallClock: () => 0,
    lagMs: () => 0,
  };
  const decider = createGroupDecider({ record, version: 1 }, deps);
  const messages: GroupMessage[] = [];
  decider.watch((message) => messages.push(message));
  context.after(() => memory[Symbol.asyncDispose]());
  return { decider, store: memory, messages, clock, deps, faults };
}

function register(decider: GroupDecider, name: string, port: number) {
  return decider.request({
    ask: (record) =>
      registerNode(record, {
        name,
        host: 'localhost',
        port,
        candidatePriority: 50,
        replicationQuorum: true,
        systemIdentifier: null,
      }),
    dryRun: false,
    about: ({ nodeId }) => nodeId,
  });
}

test('what a request changes is in the store, with its event, before it is answered', async (context) => {
  const { decider, store } = await openGroup(context);
  const { version } = await register(decider, 'a', 5001);
  const stored = await store.get(recordKey('default', 0), CALL);
  assert.equal(stored?.version, version);
  const notes = await store.readNotes({ limit: 10 }, CALL);
  assert.match(notes[0]?.text ?? '', /\\"a\\" joins as node 1/);
});

test('a report leads to decisions until there is nothing to decide, each of them in the history', async (context) => {
  const { decider, store, messages } = await openGroup(context);
  await register(decider, 'a', 5001);
  const { record } = await decider.takeReport(
    aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' }),
  );
  assert.equal(record.systemIdentifier, '7300000000000000001');
  assert.equal(record.reign?.confirmed, true);
  const notes = await store.readNotes({ limit: 100 }, CALL);
  const rules = notes.flatMap(({ text }) => (JSON.parse(text) as { rule?: string }).rule ?? []);
  assert.deepEqual(rules, ['form_group', 'learn_promotion', 'confirm_reign']);
  const decided = messages.filter((message) => message.kind === 'event' && message.event.kind === 'decision');
  assert.equal(decided.length, 3);
  assert.ok(decided.every((message) => message.kind === 'event' && message.event.inputs !== undefined));
});

test('a quiet group writes nothing', async (context) => {
  const { decider, store } = await openGroup(context);
  await register(decider, 'a', 5001);
  const report = aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' });
  await decider.takeReport(report);
  const before = await store.list('', CALL);
  for (let sequence = 2; sequence < 20; sequence++) await decider.takeReport({ ...report, sequence });
  assert.equal((await store.list('', CALL)).version, before.version);
});

test('a watcher is told the record first, then the states, then the history', async (context) => {
  const { decider, messages } = await openGroup(context);
  await register(decider, 'a', 5001);
  assert.deepEqual(
    messages.map(({ kind }) => kind),
    ['record', 'state', 'event', 'event'],
  );
});

test('a dry run changes nothing', async (context) => {
  const { decider, messages } = await openGroup(context);
  await register(decider, 'a', 5001);
  messages.length = 0;
  const { version } = decider.current();
  const outcome = await decider.request({
    ask: (record) => updateNode(record, 1, { candidatePriority: 7 }),
    dryRun: true,
  });
  assert.equal(outcome.answer.next.nodes[0]?.candidatePriority, 7);
  assert.equal(decider.current().version, version);
  assert.deepEqual(messages, []);
});

test('a refusal is thrown with its code and hint', async (context) => {
  const { decider } = await openGroup(context);
  const refused = decider.request({
    ask: (record, evidence) => requestSwitchover(record, evidence, { target: null, requestedBy: 'x' }),
    dryRun: false,
  });
  await assert.rejects(refused, { code: 'BATON_REFUSED', hint: /first node/ });
});

test('a record that somebody else has changed is read again, and the request asked anew', async (context) => {
  const { decider, store } = await openGroup(context);
  await register(decider, 'a', 5001);
  const { record, version } = decider.current();
  const value = JSON.stringify({ ...record, nextNodeId: 7 });
  await store.swap({ changes: [{ key: recordKey('default', 0), expected: version, value }] }, CALL);
  const outcome = await register(decider, 'b', 5002);
  assert.deepEqual(
    outcome.record.nodes.map(({ id }) => id),
    [1, 7],
  );
});

test('when the outcome of a write is not known, the record is read before the next one', async (context) => {
  let failing = false;
  const { decider, store } = await openGroup(context, (memory) => ({
    ...memory,
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
    async swap(swap, call) {
      const result = await memory.swap(swap, call);
      // Written, but the answer is lost.
      if (failing) throw new BatonError('BATON_STORE_UNAVAILABLE', 'no answer');
      return result;
    },
  }));
  await register(decider, 'a', 5001);
  failing = true;
  await assert.rejects(register(decider, 'b', 5002), { code: 'BATON_STORE_UNAVAILABLE' });
  failing = false;
  const { record, version } = await decider.takeReport(aReport(1, {}, { role: 'primary' }));
  assert.deepEqual(
    record.nodes.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.equal((await store.get(recordKey('default', 0), CALL))?.version, version);
});

test('decisions that others are faster than do not go round in circles, and hold nothing', async (context) => {
  let rivals = 0;
  const key = recordKey('default', 0);
  const { decider, store } = await openGroup(context, (memory) => ({
    ...memory,
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
    async swap(swap, call) {
      const stored = await memory.get(key, call);
      if (rivals > 0 && stored !== undefined) {
        rivals -= 1;
        await memory.swap({ changes: [{ key, expected: stored.version, value: stored.value }] }, call);
      }
      return memory.swap(swap, call);
    },
  }));
  await register(decider, 'a', 5001);
  rivals = OVERTAKEN_PER_RUN + 1;
  const report = aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' });
  assert.equal((await decider.takeReport(report)).record.systemIdentifier, null);
  const { record } = await decider.takeReport({ ...report, sequence: report.sequence + 1 });
  assert.equal(record.reign?.confirmed, true);
  const notes = await store.readNotes({ limit: 100 }, CALL);
  assert.ok(notes.every(({ text }) => !text.includes('circles')));
});

test('a store that fails does not stop the reports, and what was missed is written later', async (context) => {
  let failing = false;
  const { decider, store, faults } = await openGroup(context, (memory) => ({
    ...memory,
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
    swap: (swap, call) =>
      failing
        ? Promise.reject(new BatonError('BATON_STORE_UNAVAILABLE', 'the disk is full'))
        : memory.swap(swap, call),
  }));
  await register(decider, 'a', 5001);
  const report = aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' });
  failing = true;
  const during = await decider.takeReport(report);
  assert.equal(during.record.systemIdentifier, null);
  assert.ok(faults.isFaulty());
  failing = false;
  const after = await decider.takeReport({ ...report, sequence: 2 });
  assert.equal(after.record.reign?.confirmed, true);
  assert.ok(!faults.isFaulty());
  const texts = (await store.readNotes({ limit: 100 }, CALL)).map(({ text }) => text).join('\n');
  assert.match(texts, /has reached single/);
});

test('a report of a node that is not in the group is answered with the record and kept nowhere', async (context) => {
  const { decider } = await openGroup(context);
  await register(decider, 'a', 5001);
  const { record } = await decider.takeReport(aReport(42));
  assert.equal(record.nodes.length, 1);
  assert.deepEqual(decider.evidence().reports, []);
});

test('silence is noticed by the clock alone', async (context) => {
  const { decider, clock } = await openGroup(context);
  await register(decider, 'a', 5001);
  await register(decider, 'b', 5002);
  await decider.takeReport(aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' }));
  assert.equal(decider.view()[0]?.connection, 'read-write');
  clock.advance(DEFAULT_SETTINGS.detectionMs);
  assert.equal(decider.view()[0]?.connection, 'read-write!');
  assert.equal(decider.view()[0]?.health, 'bad');
  assert.equal(decider.view()[1]?.health, 'unknown');
});

test('a monitor that was restarted does not tell again what has not changed', async (context) => {
  const { decider, store, deps } = await openGroup(context);
  await register(decider, 'a', 5001);
  const report = aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' });
  await decider.takeReport(report);
  const before = await store.readNotes({ limit: 100 }, CALL);
  const again = createGroupDecider(decider.current(), deps);
  await again.takeReport({ ...report, sequence: 2 });
  assert.equal((await store.readNotes({ limit: 100 }, CALL)).length, before.length);
});

test('a watcher is spared the records of the history, and the store has them', async (context) => {
  const { decider, store, messages } = await openGroup(context);
  await register(decider, 'a', 5001);
  await decider.takeReport(aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' }));
  assert.ok(messages.every((message) => message.kind !== 'event' || message.event.record === undefined));
  const notes = await store.readNotes({ limit: 100, details: true }, CALL);
  const last = notes.map(toEvent).findLast(({ kind }) => kind === 'decision');
  assert.deepEqual(last?.record, decider.current().record);
  assert.equal(last?.record_read, undefined);
  const before = notes.map(toEvent).findLast(({ id, record }) => record !== undefined && id < last.id);
  assert.equal(last?.follows, before?.record_version);
});

test('the confirmation of a reign tells what the change of primary went through, and how long each step took', async () => {
  const group = await aDecidedGroup();
  await group.form();
  await group.failOver();
  const events = await group.client.listEvents({ formation: 'default', group: 0 });
  const confirmation = events.find(({ rule, term }) => rule === 'confirm_reign' && term === 2);
  assert.deepEqual(
    confirmation?.timeline?.map(({ step, node }) => `${step} ${node}`),
    ['last_well a', 'down a', 'decided a', 'pledged b', 'elected b', 'promoted b', 'opened b', 'confirmed b'],
  );
  assert.ok(confirmation?.timeline?.every(({ after_ms: afterMs }) => Number.isInteger(afterMs)));
});

test('no write of its own holds up a change of primary: what happens meanwhile goes along with the decisions', async (context) => {
  const written: { readonly changes: number; readonly notes: number }[] = [];
  const { decider, clock } = await openGroup(context, (store) => ({
    ...store,
    swap(swap, call) {
      written.push({ changes: swap.changes.length, notes: swap.notes?.length ?? 0 });
      return store.swap(swap, call);
    },
  }));
  await register(decider, 'a', 5001);
  const primary = aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' });
  await decider.takeReport(primary);
  const upstream = { term: 1, host: 'localhost', port: 5001, silentMs: 1 };
  await register(decider, 'b', 5002);
  await decider.takeReport(aReport(2, {}, { upstream }));
  const followers = [aFollower(2, 1, { flushLsn: '0/5000000', replayLsn: '0/5000000' })];
  for (let sequence = 2; sequence < 5; sequence++) {
    const rule = currentRule(decider.current().record);
    const confirmedRule = rule && { term: 1, change: decider.current().record.ruleChanges, ...rule };
    const postgres = { ...primary.postgres, followers };
    await decider.takeReport({ ...primary, sequence, confirmedRule: confirmedRule ?? null, postgres });
  }
  written.length = 0;
  await decider.request({
    ask: (record, evidence) => requestSwitchover(record, evidence, { target: 2, requestedBy: 'a test' }),
    dryRun: false,
  });
  await decider.takeReport(aReport(1, { sequence: 9, promotedTerm: 1 }, { status: 'stopped', role: null }));
  assert.ok(written.length > 0 && written.every(({ changes }) => changes === 1), JSON.stringify(written));
  written.length = 0;
  clock.advance(TAKEN_ALONG_MS);
  decider.tick();
  await decider.close();
  assert.deepEqual(
    written.filter(({ changes }) => changes === 0).map(({ notes }) => notes),
    [1],
  );
});
