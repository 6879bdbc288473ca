import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { copyStore, recoverStore, refusal } from '../../support/store-loss.ts';
import { NO_GAP, PROCESS_KILLED } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';

export const lostStores: readonly Scenario[] = [
  {
    title: 'the disk of the monitor is lost, and the monitor is rebuilt from the keepers',
    store: { is: 'monitor', because: 'there is no monitor; a member of etcd loses its disk instead' },
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const { monitor, nodes } = stage.cluster;
      stage.fault();
      await monitor.kill();
      rmSync(monitor.pgdata, { recursive: true });
      await stage.clients.progress();
      await monitor.start();
      await refusal(stage.cluster, /the store was made anew/);
      await recoverStore(stage.cluster, '--nodes', String(nodes.length));
      await stage.cluster.settled({ nodes: nodes.length });
    },
  },
  {
    title: 'a monitor that was put back from an old copy is refused, and the group is recovered',
    store: {
      is: 'monitor',
      because: 'there is no monitor; test/integration/etcd-recover.test.ts restores an etcd',
    },
    nodes: [2, 3],
    reign: 'changes',
    budget: PROCESS_KILLED,
    async play(stage) {
      const { cluster } = stage;
      const nodes = cluster.nodes.length;
      const copy = await copyStore(cluster);
      await cluster.settled({ nodes });
      stage.fault();
      await (await cluster.primary()).killPostgres();
      await stage.newPrimary();
      await cluster.settled({ nodes });
      await copy.putBack();
      await refusal(cluster, /restored from an old copy/);
      const { exitCode } = await cluster.pgbaton(['perform', 'switchover']);
      assert.equal(exitCode, 4, 'nothing is decided on an old copy');
      await stage.clients.progress();
      await recoverStore(cluster, '--nodes', String(nodes));
      await cluster.settled({ nodes });
    },
  },
];
