import '../support/as-postgres.ts';
import { before, describe, test } from 'node:test';
import type { ClusterNode } from '../support/cluster-node.ts';
import { sharedCluster, type TestCluster } from '../support/test-cluster.ts';

interface Roles {
  readonly primary: ClusterNode;
  readonly standby: ClusterNode;
}

/** What can be killed, and how. What does not come back by itself is started again by the test. */
const PARTS = {
  'PostgreSQL of the primary': (_, { primary }) => primary.killPostgres(),
  'keeper of the primary': (_, { primary }) => primary.killKeeper(),
  'PostgreSQL of a standby': (_, { standby }) => standby.killPostgres(),
  'keeper of a standby': (_, { standby }) => standby.killKeeper(),
  monitor: (cluster) => cluster.monitor.kill(),
} satisfies Record<string, (cluster: TestCluster, roles: Roles) => Promise<void>>;

type Part = keyof typeof PARTS;

describe('three nodes lose two parts at once', () => {
  const cluster = sharedCluster();
  before(async () => {
    await cluster().client.updateSettings('default', { crash_failovers: 100 });
  });

  for (const [first, second] of pairs(Object.keys(PARTS) as Part[])) {
    test(`${first} and ${second}: nothing is lost, and the group becomes whole again`, async () => {
      const clients = await cluster().startClients();
      await clients.progress();
      const primary = await cluster().primary();
      const standby = await cluster().standby();
      await Promise.all([first, second].map((part) => PARTS[part](cluster(), { primary, standby })));
      await cluster().revive();
      await clients.progress();
      await cluster().assertWhole(clients, { nodes: 3 });
    });
  }
});

function pairs(names: readonly Part[]): readonly (readonly [Part, Part])[] {
  return names.flatMap((first, i) => names.slice(i + 1).map((second) => [first, second] as const));
}
