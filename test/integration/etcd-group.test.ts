import '../support/as-postgres.ts';
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ETCD_MISSING } from '../support/etcd-cluster.ts';
import { startStoreGroup, type StoreGroup } from '../support/store-group.ts';
import { eventually } from '../support/test-monitor.ts';

const options = ETCD_MISSING === undefined ? {} : { skip: ETCD_MISSING };

describe('three keepers decide for themselves, by what stands in etcd', options, () => {
  let group: StoreGroup;
  before(async () => {
    group = await startStoreGroup();
    await group.client.updateSettings('default', { crash_failovers: 100 });
  });
  afterEach(async (context) => {
    // `passed` is missing in the type declarations of Node 24.
    if ((context as { readonly passed?: boolean }).passed === false) console.error(await group.describe());
  });
  after(() => group?.stop());

  const term = async (): Promise<number> => (await group.group()).record.reign?.term ?? 0;

  test('a quiet group writes nothing to etcd', async () => {
    await group.settled({ nodes: 3 });
    const revision = async (): Promise<number> => {
      const status = JSON.parse(await group.etcd.ctl('get', '-w', 'json', 'nothing')) as {
        readonly header: { readonly revision: number };
      };
      return status.header.revision;
    };
    const before = await revision();
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    assert.equal(await revision(), before);
  });

  test('a primary whose PostgreSQL is killed is replaced without a loss, and comes back', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const [old, before] = [await group.primary(), await term()];
    const from = clients.count();
    await old.killPostgres();
    await group.settled({ nodes: 3, afterTerm: before });
    assert.notEqual((await group.primary()).name, old.name);
    console.log(`write gap of a killed PostgreSQL: ${Math.round(clients.longestGapMs(from))} ms`);
    await group.assertWhole(clients);
  });

  test('the keeper of a standby is killed: nothing moves, and the others can still fail over', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const before = await term();
    const [first] = await group.standbys();
    assert(first !== undefined);
    await first.killKeeper();
    await clients.progress();
    await eventually('it is missed', async () =>
      (await group.group()).nodes.some(
        ({ name, connection }) => name === first.name && connection.includes('!'),
      ),
    );
    assert.equal(await term(), before);
    const old = await group.primary();
    await old.killPostgres();
    await eventually('another primary', async () => (await group.primary()).name !== old.name, 60_000);
    await clients.progress();
    first.startKeeper();
    await group.assertWhole(clients, { afterTerm: before });
  });

  test('the machine of the primary is lost: the others decide', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const [old, before] = [await group.primary(), await term()];
    await Promise.all([old.killKeeper(), old.killAllOfPostgres()]);
    await eventually('another term', async () => (await term()) > before, 60_000);
    await clients.progress();
    old.startKeeper();
    await group.assertWhole(clients, { afterTerm: before });
  });

  test('etcd loses its leader: nothing moves', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const before = await term();
    const leader = await group.etcd.leader();
    await leader.kill();
    await clients.progress(200);
    await group.etcd.ready();
    assert.equal(await term(), before);
    leader.start();
    await group.assertWhole(clients);
    assert.equal(await term(), before);
  });

  test('without etcd writes go on and nobody is promoted; when it is back, all goes on', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const [primary, before] = [await group.primary(), await term()];
    await Promise.all(group.etcd.members.map((member) => member.kill()));
    await clients.progress(500);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    await clients.progress(100);
    for (const member of group.etcd.members) member.start();
    await group.etcd.ready();
    await group.settled({ nodes: 3 });
    assert.equal(await term(), before);
    assert.equal((await group.primary()).name, primary.name);
    await primary.killPostgres();
    await group.assertWhole(clients, { afterTerm: before });
  });

  test('a switchover is asked of any keeper', async () => {
    const clients = await group.startClients();
    await clients.progress();
    const [old, before] = [await group.primary(), await term()];
    const { exitCode, stdout, stderr } = await group.pgbaton('perform', 'switchover');
    assert.equal(exitCode, 0, `${stdout}${stderr}`);
    await group.assertWhole(clients, { afterTerm: before });
    assert.notEqual((await group.primary()).name, old.name);
  });

  test('who follows the events is told every one of them, whichever keeper decides', async () => {
    const address = { formation: 'default', group: 0 };
    const listening = Promise.withResolvers<void>();
    const stopped = new AbortController();
    const told: number[] = [];
    async function follow(): Promise<void> {
      for await (const message of group.client.watchGroup(address, stopped.signal)) {
        if (message.kind === 'connected') listening.resolve();
        if (message.kind === 'event') told.push(message.event.id);
      }
    }
    const following = follow();
    try {
      await listening.promise;
      const [last] = await group.client.listEvents({ ...address, count: 1 });
      const { exitCode, stderr } = await group.pgbaton('perform', 'switchover');
      assert.equal(exitCode, 0, stderr);
      await group.settled({ nodes: 3 });
      const written = await group.client.listEvents({ ...address, count: 100 });
      const ids = written.map(({ id }) => id).filter((id) => id > (last?.id ?? 0));
      assert.ok(ids.length > 5, `${ids.length} events`);
      await eventually('all of them', () => ids.every((id) => told.includes(id)));
      assert.deepEqual(told.slice(0, ids.length), ids);
    } finally {
      stopped.abort();
      await following;
    }
  });

  test('the commands work as with a monitor', async () => {
    for (const command of [
      'show state',
      'show events',
      'show settings',
      'show uri',
      'why',
      'show standby-names',
    ]) {
      const { exitCode, stdout, stderr } = await group.pgbaton(...command.split(' '));
      assert.equal(exitCode, 0, `${command}: ${stderr}`);
      assert.notEqual(stdout, '', command);
    }
  });
});
