import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { aGroup } from '../../test/support/a-group.ts';
import { createManualClock } from '../../test/support/manual-clock.ts';
import type { MonitorClient } from '../api/client.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { originOf } from '../core/record-home.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import { useToken } from './derived-secrets.ts';
import { openFormations } from './formations.ts';
import { createMonitor, type Monitor } from './monitor.ts';
import { recordKey } from './record-key.ts';
import { createStoreClient } from './store-client.ts';

const GROUP = { formation: 'default', group: 0 };
const TRIO = aGroup().withPrimary('a').withStandby('b').withStandby('c');
const CALL = { timeoutMs: 1_000 };
const PASSWORDS = { keeper_password: 'k'.repeat(43), replication_password: 'r'.repeat(43) };

type Clock = ReturnType<typeof createManualClock>;

/** A monitor whose store has a record or nothing, and the passwords that it keeps. */
async function aHome(context: TestContext, clock: Clock, record?: GroupRecord) {
  const store = createMemoryStore({ clock });
  if (record !== undefined) {
    const document = { name: 'default', kind: 'pgsql', groups: [0] };
    const changes = [
      { key: 'formations/default', expected: null, value: JSON.stringify(document) },
      { key: recordKey('default', 0), expected: null, value: JSON.stringify(record) },
    ];
    await store.swap({ changes }, CALL);
  }
  const kept: unknown[] = [];
  const monitor = await createMonitor({
    store,
    open: openFormations,
    secrets: {
      of: () => Promise.resolve(PASSWORDS),
      keep: (_formation, _group, secrets) => Promise.resolve(void kept.push(secrets)),
      forget: () => Promise.resolve(),
    },
    log: SILENT_LOGGER,
    now: () => clock.now(),
    wallClock: () => 0,
    sslmode: 'require',
    retention: { days: 1, rows: 1 },
  });
  context.after(() => monitor.stop());
  return { monitor, store, kept };
}

/** All nodes report, with what they found out about the home that is announced. */
async function report(monitor: Monitor): Promise<void> {
  const { record, record_version: recordVersion } = monitor.getGroup(GROUP);
  const readiness = { incarnation: record.move?.incarnation ?? '', keeperPort: null, problem: null };
  for (const aged of TRIO.evidence().reports) {
    const known = { recordVersion, recordOrigin: originOf(record) };
    const answer = await monitor.takeReport(GROUP, {
      ...aged.report,
      ...known,
      sequence: sequence++,
      readiness,
    });
    assert.equal(answer.refused, undefined);
  }
}
let sequence = 2;

const step = (monitor: Monitor, what: 'announce' | 'finish' | 'undo', to = 'pgbaton://two') =>
  monitor.moveGroup(GROUP, { step: what, to, dry_run: false, requested_by: 'op@host' });

async function moveFrom(monitor: Monitor, to?: string): Promise<GroupRecord> {
  await report(monitor);
  await step(monitor, 'announce', to);
  await report(monitor);
  await step(monitor, 'finish', to);
  return monitor.getGroup(GROUP).record;
}

test('an announced group is asked for and leaves nothing in the new home; one that has left the old one is taken in', async (context) => {
  const clock = createManualClock();
  const [one, two] = [await aHome(context, clock, TRIO.record()), await aHome(context, clock)];
  await report(one.monitor);
  await step(one.monitor, 'announce');
  const { record } = one.monitor.getGroup(GROUP);
  const asked = await two.monitor.arriveGroup(GROUP, { record, secrets: PASSWORDS });
  assert.equal(asked.accepted, false);
  assert.deepEqual((await two.store.list('', CALL)).entries, []);
  assert.deepEqual(two.kept, []);

  const last = await moveFrom(one.monitor);
  await Promise.all(
    [1, 2].map(() => two.monitor.arriveGroup(GROUP, { record: last, secrets: PASSWORDS }).catch(() => 0)),
  );
  const again = await two.monitor.arriveGroup(GROUP, { record: last });
  assert.equal(again.record_version, two.monitor.getGroup(GROUP).record_version);
  assert.deepEqual(two.monitor.getGroup(GROUP).record.reign, last.reign);
  assert.deepEqual(two.kept[0], PASSWORDS);
  assert.match(one.monitor.getGroup(GROUP).refused ?? '', /the group has moved to pgbaton:\/\/two/);
  await assert.rejects(step(one.monitor, 'undo'), /the group has moved/);
  await assert.rejects(
    one.monitor.updateNode({ formation: 'default', name: 'a' }, { candidate_priority: 1 }),
    /moved/,
  );
  assert.equal(one.monitor.getFormation('default').node_count, 0, 'the old home may be dropped');
});

test('a home to which a group comes back accuses nobody by what it heard before the group left', async (context) => {
  const clock = createManualClock();
  const [one, two] = [await aHome(context, clock, TRIO.record()), await aHome(context, clock)];
  await two.monitor.arriveGroup(GROUP, { record: await moveFrom(one.monitor) });
  clock.advance(1_000);
  const last = await moveFrom(two.monitor, 'pgbaton://one');
  await one.monitor.arriveGroup(GROUP, { record: last });
  const { evidence, record } = one.monitor.getEvidence(GROUP);
  assert.deepEqual(evidence.reports, []);
  assert.equal(evidence.deciderAgeMs, 0);
  assert.equal(record.home.incarnations.length, TRIO.record().home.incarnations.length + 2);
});

test('a node that joins a group which has moved into a store is given the passwords by another node, or none', async () => {
  const clock = createManualClock();
  const store = createMemoryStore({ clock });
  const token = useToken('t'.repeat(43));
  const client: MonitorClient = await createStoreClient(store, token);
  const record: GroupRecord = {
    ...TRIO.record(),
    move: { stage: 'moved', to: 'etcd://e1', incarnation: 'second', proof: null, because: 'asked' },
  };
  await client.arriveGroup(GROUP, { record });
  const anew = await createStoreClient(store, token);
  await assert.rejects(
    anew.registerNode('default', { host: 'd.example', port: 5432 }),
    /no keeper of the group answers/,
  );
  client.close();
  anew.close();
});
