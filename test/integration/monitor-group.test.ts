import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { WatchEvent } from '../../src/api/group-watch.ts';
import type { NodeView } from '../../src/api/schemas.ts';
import type { GroupRecord } from '../../src/core/group-record.ts';
import { registerFakeGroup } from '../support/fake-group.ts';
import { aReport } from '../support/a-report.ts';
import { createTestMonitor, eventually, type TestMonitor } from '../support/test-monitor.ts';

const GROUP = { formation: 'default', group: 0 };

/** A monitor with three nodes whose keepers do at once what they are told. */
async function startGroup(context: TestContext) {
  const monitor = await createTestMonitor(context);
  await monitor.start();
  const group = await registerFakeGroup(monitor.client, GROUP, ['a', 'b', 'c']);
  await monitor.client.updateSettings('default', { detection_ms: 500, heartbeat_ms: 100 });
  const abort = new AbortController();
  const running = group.run(abort.signal);
  context.after(async () => {
    abort.abort();
    await running;
  });
  await settled(monitor, { primary: 'a', standbys: 2 });
  return { monitor, group };
}

/** Waits until the group has this primary, confirmed, and so many secondaries that are where they should be. */
function settled(
  monitor: TestMonitor,
  want: { readonly primary: string; readonly standbys: number },
): Promise<GroupRecord> {
  let seen: readonly NodeView[] = [];
  const what = `${want.primary} is the primary of ${want.standbys} standbys`;
  return eventually(what, async () => {
    const { record, nodes } = await monitor.client.getGroup(GROUP);
    seen = nodes;
    const is = (node: NodeView, state: string) =>
      node.reported_state === state && node.assigned_state === state && !node.connection.includes('!');
    const primary = nodes.find(({ name }) => name === want.primary);
    const isPrimary = primary !== undefined && (is(primary, 'primary') || is(primary, 'wait_primary'));
    const standbys = nodes.filter((node) => is(node, 'secondary')).length;
    return isPrimary && standbys === want.standbys && record.rules.length === 1 ? record : undefined;
  }).catch((error: unknown) => {
    const rows = seen.map(
      (node) => `${node.name} ${node.reported_state}/${node.assigned_state} ${node.connection}`,
    );
    throw new Error(`${String(error)}: ${rows.join(', ')}\n${monitor.output()}`, { cause: error });
  });
}

/** Collects what a watcher is told from now on. */
function follow(context: TestContext, monitor: TestMonitor): WatchEvent[] {
  const events: WatchEvent[] = [];
  const abort = new AbortController();
  const done = (async () => {
    for await (const event of monitor.client.watchGroup(GROUP, abort.signal)) events.push(event);
  })();
  context.after(async () => {
    abort.abort();
    await done;
  });
  return events;
}

test('three nodes become a group with a primary and two voters', async (context) => {
  const { monitor } = await startGroup(context);
  const { record, nodes } = await monitor.client.getGroup(GROUP);
  assert.deepEqual(record.rules, [{ cohort: [1, 2, 3], k: 1 }]);
  assert.deepEqual(
    nodes.map(({ connection, health, lag_bytes: lag }) => [connection, health, lag]),
    [
      ['read-write', 'good', 0],
      ['read-only', 'good', 0],
      ['read-only', 'good', 0],
    ],
  );
});

test('a switchover is shown first, then done, and told as it happens', async (context) => {
  const { monitor } = await startGroup(context);
  const told = follow(context, monitor);
  await eventually('the watch is connected', () => told.some((each) => each.kind === 'record'));
  const asked = { target: 'b', requested_by: 'a test' };
  const before = await monitor.client.getGroup(GROUP);
  const dry = await monitor.client.switchover(GROUP, { ...asked, dry_run: true });
  assert.equal(dry.accepted, false);
  assert.ok(dry.plan.length > 3);
  assert.equal((await monitor.client.getGroup(GROUP)).record_version, before.record_version);

  const { accepted } = await monitor.client.switchover(GROUP, asked);
  assert.ok(accepted);
  const record = await settled(monitor, { primary: 'b', standbys: 2 });
  assert.equal(record.reign?.cause, 'switchover');
  assert.equal(record.term, before.record.term + 1);
  assert.deepEqual(record.rules, before.record.rules);

  await eventually('the end of the switchover is told', () =>
    told.some(
      (each) =>
        each.kind === 'record' && each.version >= before.record_version && each.record.reign?.confirmed,
    ),
  );
  for (const name of ['draining', 'prepare_promotion', 'primary', 'secondary']) {
    await eventually(`"${name}" is told`, () =>
      told.some((each) => each.kind === 'state' && each.node.assigned_state === name),
    );
  }
  const versions = told.flatMap((each) => (each.kind === 'record' ? [each.version] : []));
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
});

test('a primary whose host is lost is replaced, and the history says why', async (context) => {
  const { monitor, group } = await startGroup(context);
  group.lose('a');
  const record = await eventually('another primary', async () => {
    const current = (await monitor.client.getGroup(GROUP)).record;
    return current.reign?.holder !== 1 && current.reign?.confirmed ? current : undefined;
  });
  assert.equal(record.reign?.cause, 'lost');
  const events = await monitor.client.listEvents({ ...GROUP, count: 100 });
  const failover = events.find(({ rule }) => rule === 'fail_over');
  assert.match(failover?.because ?? '', /the keeper of "a" has been silent for \d+ ms/);
  assert.ok(JSON.stringify(failover?.inputs).includes('"deciderLagMs"'));
  const why = await monitor.client.getEvidence(GROUP);
  assert.ok(why.evidence.reports.length >= 2);

  group.bringBack('a');
  await settled(monitor, { primary: record.reign.holder === 2 ? 'b' : 'c', standbys: 2 });
});

test('a crashed PostgreSQL is replaced without waiting for the detection time', async (context) => {
  const { monitor, group } = await startGroup(context);
  await monitor.client.updateSettings('default', { detection_ms: 60_000 });
  group.crash('a');
  const record = await eventually('another primary', async () => {
    const current = (await monitor.client.getGroup(GROUP)).record;
    return current.reign?.holder !== 1 && current.reign?.confirmed ? current : undefined;
  });
  assert.equal(record.reign?.cause, 'crash');
});

test('a monitor that is killed comes back with every change that it had answered', async (context) => {
  const { monitor } = await startGroup(context);
  for (let round = 0; round < 3; round++) {
    let answered = { priority: -1, version: 0 };
    let asked = -1;
    const changing = (async () => {
      for (asked = 0; ; asked = (asked + 1) % 100) {
        const { record_version: version } = await monitor.client.updateNode('default', 'c', {
          candidate_priority: asked,
        });
        answered = { priority: asked, version };
      }
    })().catch(() => undefined);
    await eventually(
      'some changes are answered',
      () => answered.version > 0 && answered.priority > 5 + 7 * round,
    );
    await monitor.end('SIGKILL');
    await changing;
    await monitor.start();
    const { record, record_version: version } = await monitor.client.getGroup(GROUP);
    assert.ok(version >= answered.version);
    const priority = record.nodes.find(({ name }) => name === 'c')?.candidatePriority;
    assert.ok(
      priority === answered.priority || priority === asked,
      `${priority} is neither answered nor asked for`,
    );
  }
  await monitor.client.updateNode('default', 'c', { candidate_priority: 50 });
  await settled(monitor, { primary: 'a', standbys: 2 });
});

test('a watcher comes back after a restart of the monitor, with the present record and the events that it missed', async (context) => {
  const { monitor } = await startGroup(context);
  const told = follow(context, monitor);
  await eventually('it watches', () => told.some(({ kind }) => kind === 'record'));
  await monitor.client.updateNode('default', 'c', { candidate_priority: 11 });
  await eventually('an event was told', () => told.some(({ kind }) => kind === 'event'));
  await monitor.end('SIGKILL');
  await eventually('the break is told', () => told.some(({ kind }) => kind === 'disconnected'));
  const seen = told.length;
  await monitor.start();
  await monitor.client.updateNode('default', 'c', { candidate_priority: 12 });
  const hasPriority = (each: WatchEvent) =>
    each.kind === 'record' && each.record.nodes.some(({ candidatePriority }) => candidatePriority === 12);
  await eventually('the record is told', () => told.slice(seen).some(hasPriority));
  const isMissed = (each: WatchEvent) => each.kind === 'event' && /priority 12/.test(each.event.because);
  await eventually('the event is told', () => told.slice(seen).some(isMissed));
  const ids = told.flatMap((each) => (each.kind === 'event' ? [each.event.id] : []));
  assert.deepEqual(ids, [...new Set(ids)], 'no event is told twice');
});

test('registration is idempotent, and refuses names and data that belong to others', async (context) => {
  const monitor = await createTestMonitor(context);
  await monitor.start();
  const { client } = monitor;
  const first = await client.registerNode('default', { host: 'h1', port: 5_001 });
  assert.equal(first.name, 'node_1');
  const again = await client.registerNode('default', { host: 'h1', port: 5_001 });
  assert.equal(again.node_id, first.node_id);
  assert.deepEqual(again.secrets, first.secrets);
  const second = await client.registerNode('default', {
    host: 'h2',
    port: 5_001,
    name: 'two',
    auth: 'trust',
  });
  assert.equal(second.secrets, undefined);
  await assert.rejects(client.registerNode('default', { host: 'h3', port: 1, name: 'two' }), {
    code: 'BATON_NODE_EXISTS',
  });
  await client.sendReport(GROUP, aReport(1, { promotedTerm: 1, servingTerm: 1 }, { role: 'primary' }));
  const foreign = { host: 'h4', port: 5_001, system_identifier: '42' };
  await assert.rejects(client.registerNode('default', foreign), { code: 'BATON_SYSTEM_IDENTIFIER' });
  await client.createFormation({ name: 'other' });
  await assert.rejects(client.registerNode('other', { host: 'h1', port: 5_001 }), {
    code: 'BATON_NODE_EXISTS',
    message: /formation "default"/,
  });
  await assert.rejects(client.registerNode('nowhere', { host: 'h1', port: 1 }), {
    code: 'BATON_FORMATION_NOT_FOUND',
  });
});

test('the passwords of a group stand in a private file only', async (context) => {
  const monitor = await createTestMonitor(context, { log: { level: 'trace', format: 'json' } });
  await monitor.start();
  const { secrets } = await monitor.client.registerNode('default', { host: 'h1', port: 5_001 });
  assert.ok(secrets);
  await monitor.end('SIGTERM');
  const token = readFileSync(join(monitor.directory, 'token'), 'utf8').trim();
  const hidden = [secrets.keeper_password, secrets.replication_password, token];
  for (const entry of readdirSync(monitor.directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, 'latin1');
    if (hidden.some((secret) => text.includes(secret))) {
      assert.match(path, /\/(token|default@0\.json)$/);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }
  }
  for (const secret of hidden) assert.ok(!monitor.output().includes(secret));
});

test('formations are made and dropped, but not with nodes in them', async (context) => {
  const monitor = await createTestMonitor(context);
  await monitor.start();
  const { client } = monitor;
  const made = await client.createFormation({ name: 'f3', kind: 'pgsql', dbname: 'app' });
  assert.deepEqual(made, {
    name: 'f3',
    kind: 'pgsql',
    dbname: 'app',
    number_sync_standbys: null,
    groups: [0],
    node_count: 0,
  });
  await assert.rejects(client.createFormation({ name: 'f3' }), { code: 'BATON_FORMATION_EXISTS' });
  await client.registerNode('f3', { host: 'h1', port: 5_001, name: 'n' });
  assert.match(
    (await client.getUri('f3')).read_write_uri,
    /^postgres:\/\/h1:5001\/app\?target_session_attrs=read-write&sslmode=require$/,
  );
  await assert.rejects(client.dropFormation('f3'), { code: 'BATON_REFUSED' });
  await client.dropNode('f3', 'n', { force: true });
  await client.dropFormation('f3');
  await assert.rejects(client.getFormation('f3'), { code: 'BATON_FORMATION_NOT_FOUND' });
  assert.deepEqual(readdirSync(join(monitor.directory, 'secrets')), []);
  await monitor.end('SIGKILL');
  await monitor.start();
  assert.deepEqual(
    (await client.listFormations()).map(({ name }) => name),
    ['default'],
  );
});

test('settings are checked, kept and shown', async (context) => {
  const monitor = await createTestMonitor(context);
  await monitor.start();
  const { client } = monitor;
  await client.updateSettings('default', { detection_ms: 1_000, on_crash: 'restart' });
  const settings = await client.getSettings('default');
  assert.equal(settings.detection_ms, 1_000);
  assert.equal(settings.on_crash, 'restart');
  await assert.rejects(client.updateSettings('default', { detection_ms: 1 }), {
    code: 'BATON_USAGE',
    message: 'detection_ms must be at least 200',
  });
  await assert.rejects(client.updateSettings('default', { heartbeat_ms: 600 }), {
    code: 'BATON_REFUSED',
    message: /two heartbeats/,
  });
  await assert.rejects(client.updateSettings('default', { number_sync_standbys: 1 }), {
    code: 'BATON_REFUSED',
  });
});

test('the history is kept within its limits', async (context) => {
  const monitor = await createTestMonitor(context, { events: { retentionDays: 30, retentionRows: 100 } });
  await monitor.start();
  await monitor.client.registerNode('default', { host: 'h1', port: 5_001, name: 'n' });
  for (let count = 0; count < 120; count++) {
    await monitor.client.updateNode('default', 'n', { candidate_priority: count % 2 });
  }
  await monitor.end('SIGTERM');
  await monitor.start();
  const events = await eventually('the oldest are deleted', async () => {
    const all = await monitor.client.listEvents({ count: 1_000 });
    return all.length <= 100 ? all : undefined;
  });
  assert.equal(events.length, 100);
  assert.match(events.at(-1)?.because ?? '', /priority 1/);
});
