import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { aReport } from '../../test/support/a-report.ts';
import { createManualClock } from '../../test/support/manual-clock.ts';
import { DEFAULT_SETTINGS, emptyRecord, type GroupRecord, type NodeId } from '../core/group-record.ts';
import { registerNode } from '../core/requests.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { createFaultLog } from './fault-log.ts';
import { createGroupDecider } from './group-decider.ts';
import { recordKey } from './record-key.ts';
import { TURN_MS, turnOf } from './turn.ts';

const CALL = { timeoutMs: 1_000 };

/** Three nodes, the first of which holds the baton. */
function threeNodes(): GroupRecord {
  return [5001, 5002, 5003].reduce(
    (record, port) => {
      const policy = { candidatePriority: 50, replicationQuorum: true, systemIdentifier: null };
      const answer = registerNode(record, { name: null, host: 'localhost', port, ...policy });
      assert.equal(answer.kind, 'accepted');
      return answer.next;
    },
    emptyRecord('default', 0, DEFAULT_SETTINGS),
  );
}

/** What each of the keepers has heard: the age of the newest report of every node, ms. */
function heard(ages: Readonly<Record<NodeId, number>>) {
  return { reportAgeMs: (node: NodeId) => ages[node] };
}

test('the holder, which may be the accused, speaks last of those who are heard', () => {
  const all = heard({ 1: 10, 2: 10, 3: 10 });
  assert.deepEqual(
    [1, 2, 3].map((node) => turnOf(node)(threeNodes(), all)),
    [2, 0, 1],
  );
});

test('nobody waits for a keeper that is silent', () => {
  const withoutSecond = heard({ 1: 10, 2: 5_000, 3: 10 });
  assert.equal(turnOf(3)(threeNodes(), withoutSecond), 0);
  assert.equal(turnOf(1)(threeNodes(), withoutSecond), 1);
  assert.equal(turnOf(3)(threeNodes(), heard({})), 0, 'who hears nobody decides alone');
});

/** The keepers of three nodes, each with its decider, on one store. */
async function threeDeciders(context: TestContext) {
  const clock = createManualClock();
  const store = createMemoryStore({ clock });
  context.after(() => store[Symbol.asyncDispose]());
  const key = recordKey('default', 0);
  const record = threeNodes();
  await store.swap({ changes: [{ key, expected: null, value: JSON.stringify(record) }] }, CALL);
  const faults = createFaultLog(SILENT_LOGGER, () => clock.now());
  const deciders = [1, 2, 3].map((node) =>
    createGroupDecider(
      { record, version: 1 },
      {
        store,
        log: SILENT_LOGGER,
        faults,
        now: () => clock.now(),
        wallClock: () => 0,
        lagMs: () => 0,
        turn: turnOf(node),
      },
    ),
  );
  let sequence = 0;
  const report = async (node: NodeId, hears: readonly number[] = [0, 1, 2]): Promise<void> => {
    sequence += 1;
    const primary = node === 1 ? { promotedTerm: 1, servingTerm: 1 } : {};
    const told = aReport(node, { sequence, ...primary }, { role: node === 1 ? 'primary' : 'standby' });
    await Promise.all(hears.map(async (index) => deciders[index]?.takeReport(told)));
  };
  const rules = async (): Promise<readonly string[]> =>
    (await store.readNotes({ limit: 100 }, CALL)).flatMap(
      ({ text }) => (JSON.parse(text) as { rule?: string }).rule ?? [],
    );
  return { clock, store, deciders, report, rules };
}

test('of three deciders that see the same, one writes, and the others learn of it', async (context) => {
  const { deciders, report, rules, store } = await threeDeciders(context);
  for (const node of [2, 3, 1]) await report(node);
  assert.deepEqual(await rules(), ['form_group', 'learn_promotion', 'confirm_reign']);
  const stored = await store.get(recordKey('default', 0), CALL);
  assert.equal(deciders[1]?.current().version, stored?.version);
  assert.equal(deciders[0]?.current().version, 1, 'the holder has left it to the others');
});

test('a decider whose turn has come decides though those before it are heard and say nothing', async (context) => {
  const { clock, report, rules, deciders } = await threeDeciders(context);
  for (const node of [2, 3, 1]) await report(node, [2]);
  assert.deepEqual(await rules(), []);
  clock.advance(TURN_MS - 1);
  deciders[2]?.tick();
  await report(2, [2]);
  assert.deepEqual(await rules(), []);
  clock.advance(1);
  await report(3, [2]);
  assert.deepEqual(await rules(), ['form_group', 'learn_promotion', 'confirm_reign']);
});

test('what two deciders decide at once is decided once', async (context) => {
  const { clock, report, rules, deciders } = await threeDeciders(context);
  for (const node of [2, 3]) await report(node);
  // All three are to speak now: the first has hung, and nobody was told in between.
  await report(1, [0, 2]);
  clock.advance(2 * TURN_MS);
  await report(1);
  assert.deepEqual(await rules(), ['form_group', 'learn_promotion', 'confirm_reign']);
  const versions = deciders.map((decider) => decider.current().version);
  assert.ok(
    versions.every((version) => version > 1),
    'who lost has read what the other wrote',
  );
});
