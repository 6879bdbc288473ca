import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { aReport } from '../support/a-report.ts';
import { runPgbaton, startPgbaton, type ClusterProcess } from '../support/cluster-process.ts';
import { ETCD_MISSING } from '../support/etcd-cluster.ts';
import { freePort } from '../support/free-port.ts';
import { startStoreGroup, type StoreGroup } from '../support/store-group.ts';
import { eventually } from '../support/test-monitor.ts';
import { createMonitorClient, type MonitorClient } from '../../src/api/client.ts';
import type { EventBody, NodeView } from '../../src/api/schemas.ts';
import { readConfig, writeConfig } from '../../src/config/config-file.ts';
import { readTokenFile } from '../../src/config/environment.ts';
import { parseMonitorUri } from '../../src/config/monitor-uri.ts';
import { NODE_CONFIG } from '../../src/config/node-config.ts';
import { nodeFiles } from '../../src/config/paths.ts';

const options = ETCD_MISSING === undefined ? {} : { skip: ETCD_MISSING };
const ADDRESS = { formation: 'default', group: 0 };

describe('a monitor beside a group on etcd observes it, and is not needed for anything', options, () => {
  let group: StoreGroup;
  let pgdata: string;
  let uri: string;
  let observer: ClusterProcess;
  let client: MonitorClient;

  before(async () => {
    group = await startStoreGroup();
    await group.client.updateSettings('default', { crash_failovers: 100 });
    const port = await freePort();
    pgdata = join(group.directory.path, 'observer');
    uri = `pgbaton://127.0.0.1:${port}?sslmode=require`;
    const where = ['--pgdata', pgdata, '--pgport', String(port), '--hostname', '127.0.0.1'];
    const access = ['--listen', '127.0.0.1', '--ssl-self-signed', '--token-file', group.tokenFile];
    start(['create', 'monitor', '--store', group.uri, ...where, ...access, '--run']);
    client = createMonitorClient(parseMonitorUri(uri), { token: readTokenFile(group.tokenFile) });
    await answers();
  });
  afterEach(async (context) => {
    // `passed` is missing in the type declarations of Node 24.
    if ((context as { readonly passed?: boolean }).passed === false) console.error(await group.describe());
  });
  after(async () => {
    client?.close();
    await group?.stop();
  });

  function start(args: readonly string[]): void {
    observer = startPgbaton('observer', args, { cwd: group.directory.path });
    group.directory.onStart(observer);
  }

  const answers = (): Promise<boolean> =>
    eventually('the observer answers', () =>
      client.health().then(
        ({ ok }) => ok,
        () => false,
      ),
    );

  /** As somebody who has the token of the formation and knows nothing but the observer. */
  const pgbaton = (...args: readonly string[]) =>
    runPgbaton(args, {
      cwd: group.directory.path,
      env: { PGBATON_MONITOR: uri, PGBATON_MONITOR_TOKEN: readTokenFile(group.tokenFile) },
    });

  /** Follows the group by the observer's stream until the signal aborts. */
  function follow(signal: AbortSignal) {
    const events: EventBody[] = [];
    const states: NodeView[] = [];
    const following = (async () => {
      for await (const message of client.watchGroup(ADDRESS, signal)) {
        if (message.kind === 'event') events.push(message.event);
        if (message.kind === 'state') states.push(message.node);
      }
    })();
    return { events, states, following };
  }

  test('it shows the same as the commands do that ask the keepers', async () => {
    await group.settled({ nodes: 3 });
    const rows = ({ nodes }: { readonly nodes: readonly NodeView[] }) =>
      nodes.map(({ name, reported_state, assigned_state, health }) => ({
        name,
        reported_state,
        assigned_state,
        health,
      }));
    assert.deepEqual(rows(await client.getGroup(ADDRESS)), rows(await group.group()));
    const [theirs] = await group.client.listEvents({ count: 1 });
    assert.deepEqual(await client.listEvents({ count: 1 }), [theirs]);
    for (const command of ['show state', 'show events', 'show settings', 'show uri', 'why']) {
      const byObserver = await pgbaton(...command.split(' '));
      assert.equal(byObserver.exitCode, 0, `${command}: ${byObserver.stderr}`);
      assert.notEqual(byObserver.stdout, '', command);
    }
    const local = await runPgbaton(['show', 'state', '--pgdata', pgdata], { cwd: group.directory.path });
    assert.equal(local.exitCode, 0, local.stderr);
  });

  test('only who has the token is let in, and the files with secrets are for their owner alone', async () => {
    const stranger = createMonitorClient(parseMonitorUri(uri), {});
    await assert.rejects(stranger.getGroup(ADDRESS), { code: 'BATON_UNAUTHORIZED' });
    stranger.close();
    for (const file of ['token', 'server.key'])
      assert.equal(statSync(join(pgdata, file)).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(observer.logFile, 'utf8'), new RegExp(readTokenFile(group.tokenFile)));
  });

  test('what is changed by it is swapped into etcd, and what happens arrives on its stream, whoever has written it', async () => {
    const stopped = new AbortController();
    const { events, states, following } = follow(stopped.signal);
    await eventually('the states', () => states.length >= 3);
    const [standby] = await group.standbys();
    assert(standby !== undefined);
    const changed = await pgbaton('set', 'node', 'candidate-priority', '70', '--name', standby.name);
    assert.equal(changed.exitCode, 0, changed.stderr);
    const entry = (await group.group()).record.nodes.find(({ name }) => name === standby.name);
    assert.equal(entry?.candidatePriority, 70);
    await eventually('the event of the change', () =>
      events.some(({ kind, node }) => kind === 'operator' && node === standby.name),
    );
    const before = (await group.group()).record.reign?.term ?? 0;
    const moved = await pgbaton('perform', 'switchover');
    assert.equal(moved.exitCode, 0, `${moved.stdout}${moved.stderr}`);
    await group.settled({ nodes: 3, afterTerm: before });
    await eventually('the last event of the switchover', () =>
      events.some(({ rule, term }) => rule === 'confirm_reign' && term > before),
    );
    const ids = events.map(({ id }) => id);
    assert.deepEqual(
      ids,
      [...new Set(ids)].toSorted((a, b) => a - b),
      'each event once, in order',
    );
    await eventually('the new primary', () =>
      states.some(
        ({ name, reported_state: state }) => state === 'primary' && states.some((row) => row.name === name),
      ),
    );
    stopped.abort();
    await following;
  });

  test('it is killed during a failover: the group does not notice', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const old = await group.primary();
    const before = (await group.group()).record.reign?.term ?? 0;
    await Promise.all([old.killPostgres(), observer.kill()]);
    await group.assertWhole(clients, { afterTerm: before });
    assert.notEqual((await group.primary()).name, old.name);
    start(['run', '--pgdata', pgdata]);
    await answers();
    assert.equal(
      (await client.getGroup(ADDRESS)).record.reign?.term,
      (await group.group()).record.reign?.term,
    );
  });

  test('it can not become what a node depends on', async () => {
    const refusal = { code: 'BATON_REFUSED', message: /only observes the groups in etcd:/, hint: /--store/ };
    const where = ['--pgdata', join(group.directory.path, 'node4'), '--pgport', String(await freePort())];
    const node = await pgbaton('create', 'postgres', ...where, '--hostname', '127.0.0.1', '--auth', 'trust');
    assert.notEqual(node.exitCode, 0);
    assert.match(node.stderr, /only observes the groups in etcd:.*nothing is decided here/);
    assert.match(node.stderr, /--store etcd:/);
    assert.equal((await group.group()).nodes.length, 3);
    const { record, record_version: version } = await group.group();
    await assert.rejects(client.arriveGroup(ADDRESS, { record }), {
      ...refusal,
      hint: /a monitor that decides/,
    });
    await assert.rejects(client.recoverGroup(ADDRESS, { nodes: 2, requested_by: 'a test' }), refusal);
    // The keeper of a node whose configuration was pointed at it.
    const answer = await client.sendReport(ADDRESS, aReport(1), { timeoutMs: 5_000 });
    assert.match(answer.refused ?? '', /only observes .* "store.uri"/);
    assert.equal((await group.group()).record_version, version);
  });

  test('a keeper whose configuration was pointed at it says so, and promotes nobody', async () => {
    await group.settled({ nodes: 3 });
    const [standby] = await group.standbys();
    assert(standby !== undefined);
    const { configFile } = nodeFiles(standby.pgdata);
    const config = readConfig(NODE_CONFIG, configFile);
    const term = (await group.group()).record.reign?.term;
    await standby.killKeeper();
    const { tokenFile } = config.store;
    const pointed = { ...config, monitor: { uri, tokenFile }, store: { uri: null, tokenFile: null } };
    writeConfig(NODE_CONFIG, configFile, pointed);
    standby.startKeeper();
    const log = (): string => readFileSync(standby.keeper().logFile, 'utf8');
    await eventually('the keeper says so', () => /only observes the groups in etcd:/.test(log()));
    await eventually('the others miss it', async () =>
      (await group.group()).nodes.some(
        ({ name, connection }) => name === standby.name && connection.includes('!'),
      ),
    );
    assert.equal((await group.group()).record.reign?.term, term);
    await standby.killKeeper();
    writeConfig(NODE_CONFIG, configFile, config);
    standby.startKeeper();
    await group.settled({ nodes: 3 });
  });

  test('while etcd is away it says so, and shows what the keepers know', async () => {
    await client.getGroup(ADDRESS);
    await Promise.all(group.etcd.members.map((member) => member.kill()));
    await eventually('it says so', async () => !(await client.health({ timeoutMs: 10_000 })).ok);
    assert.equal((await client.getGroup(ADDRESS, { timeoutMs: 15_000 })).nodes.length, 3);
    for (const member of group.etcd.members) member.start();
    await group.etcd.ready();
    await answers();
    await group.settled({ nodes: 3 });
    assert.equal((await client.getGroup(ADDRESS)).nodes.length, 3);
  });
});
