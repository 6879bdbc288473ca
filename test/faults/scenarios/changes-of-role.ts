import { HANDOVER } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { openSession } from '../clients/client-session.ts';

export const changesOfRole: readonly Scenario[] = [
  {
    title: 'three switchovers in a row',
    nodes: [2, 3],
    reign: 'changes',
    budget: HANDOVER,
    slice: 3,
    async play(stage) {
      for (let time = 1; time <= 3; time++) {
        stage.fault();
        await stage.cluster.run('perform', 'switchover');
        await stage.clients.progress();
        await stage.cluster.settled();
      }
    },
  },
  {
    title: 'a switchover while a transaction has been open for long',
    nodes: [2, 3],
    reign: 'changes',
    budget: HANDOVER,
    async play(stage) {
      const { place, port } = await stage.cluster.primary();
      const limits = { connectMs: 5_000, queryMs: 60_000 };
      const session = await openSession({ host: place.address, port }, limits);
      await session.query('begin');
      await session.query(`insert into fault_rows values ('a long transaction', 1)`);
      const working = session.query('select pg_sleep(60)').catch(() => undefined);
      stage.fault();
      await stage.cluster.run('perform', 'switchover');
      await stage.clients.progress();
      session.close();
      await working;
    },
  },
  {
    title: 'a switchover whose target dies in the middle',
    nodes: [2, 3],
    reign: 'either',
    async play(stage) {
      const target = await stage.cluster.standby();
      stage.fault();
      await stage.cluster.pgbaton(['perform', 'switchover', '--name', target.name, '--no-wait']);
      await stage.cluster.waitUntil('the switchover to begin', ({ record }) => record.intent !== null);
      stage.powerOff(target);
      await stage.clients.progress();
    },
  },
  {
    title: 'maintenance of a standby, and of the primary',
    nodes: [2, 3],
    reign: 'changes',
    async play(stage) {
      stage.fault();
      const [standby, primary] = [await stage.cluster.standby(), await stage.cluster.primary()];
      await stage.cluster.run('enable', 'maintenance', '--name', standby.name);
      await stage.clients.progress();
      await stage.cluster.run('disable', 'maintenance', '--name', standby.name);
      await stage.cluster.settled();
      await stage.cluster.run('enable', 'maintenance', '--name', primary.name, '--allow-failover');
      await stage.clients.progress();
      await stage.cluster.run('disable', 'maintenance', '--name', primary.name);
    },
  },
];
