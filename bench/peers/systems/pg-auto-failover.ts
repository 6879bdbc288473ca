import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, wholeCluster } from '../servers.ts';
import { until, type Stage } from '../stage.ts';
import type { Cluster, System } from '../system.ts';

type Settings = Readonly<Record<string, number>>;

interface Tuning {
  /** Of the monitor, `pgautofailover.…`, ms unless its name says otherwise. */
  readonly monitor: Settings;
  /** Of each node, section `timeout` of its configuration file, s. */
  readonly node: Settings;
}

/**
 * A keeper reports once a second, whatever is set: a shorter silence than two
 * reports would accuse healthy nodes.
 */
const FAST: Tuning = {
  monitor: {
    health_check_period: 500,
    health_check_timeout: 500,
    health_check_max_retries: 1,
    health_check_retry_delay: 100,
    node_considered_unhealthy_timeout: 2_000,
    primary_demote_timeout: 3_000,
    startup_grace_period: 1_000,
  },
  node: {
    network_partition_timeout: 2,
  },
};

export const pgAutoFailover: readonly System[] = [
  variant('pg_auto_failover-default', { monitor: {}, node: {} }),
  variant('pg_auto_failover-fast', FAST),
];

function variant(name: string, tuning: Tuning): System {
  const changed = Object.entries({ ...tuning.monitor, ...tuning.node }).map(
    ([key, value]) => `${key}: ${value}`,
  );
  const settings = changed.length === 0 ? 'defaults' : changed.join(', ');
  return { name, settings, create: (stage) => createCluster(stage, tuning) };
}

async function createCluster(stage: Stage, tuning: Tuning): Promise<Cluster> {
  const nodes = stage.dataNodes();
  const monitorHost = stage.addHost('monitor');
  const monitor = {
    host: monitorHost,
    port: (nodes[0]?.port ?? 0) - 1,
    dataDirectory: join(stage.folderOf(monitorHost), 'data'),
  };
  const uri = `postgres://autoctl_node@${monitorHost.address}:${monitor.port}/pg_auto_failover?sslmode=disable`;
  const everybody = 'host all all 0.0.0.0/0 trust\n';

  const cluster: Cluster = {
    nodes,
    controlHosts: [monitorHost],
    async boot(host) {
      const { dataDirectory } = nodes.find((node) => node.host === host) ?? monitor;
      stage.start(host, ['pg_autoctl', 'run', '--pgdata', dataDirectory]);
    },
    async switchover(_from, to) {
      const where = ['--pgdata', monitor.dataDirectory, '--name', to.name];
      await stage.run(monitorHost, ['pg_autoctl', 'perform', 'promotion', ...where]);
    },
    async isContent() {
      const states = await ask<{ reported: string; goal: string }>(
        monitor,
        'select reportedstate::text as reported, goalstate::text as goal from pgautofailover.node',
        'pg_auto_failover',
      );
      const isSettled = states.every(
        ({ reported, goal }) => reported === goal && /^(primary|secondary)$/.test(goal),
      );
      return isSettled && states.length === nodes.length;
    },
  };

  const common = ['--no-ssl', '--auth', 'trust'];
  const at = ({ host, port, dataDirectory }: typeof monitor): readonly string[] => [
    '--hostname',
    host.address,
    '--pgport',
    String(port),
    '--pgdata',
    dataDirectory,
  ];
  await stage.run(monitorHost, ['pg_autoctl', 'create', 'monitor', ...common, ...at(monitor)]);
  appendFileSync(join(monitor.dataDirectory, 'pg_hba.conf'), everybody);
  const lines = Object.entries(tuning.monitor).map(([key, value]) => `pgautofailover.${key} = ${value}\n`);
  appendFileSync(join(monitor.dataDirectory, 'postgresql.conf'), lines.join(''));
  await cluster.boot(monitorHost);
  await until('the monitor of pg_auto_failover answers', 30, () =>
    ask(monitor, 'select 1', 'pg_auto_failover').then(
      () => true,
      () => false,
    ),
  );
  for (const node of nodes) {
    const identity = ['--name', node.name, '--monitor', uri];
    await stage.run(node.host, ['pg_autoctl', 'create', 'postgres', ...common, ...identity, ...at(node)]);
    for (const [key, value] of Object.entries(tuning.node))
      await stage.run(node.host, [
        'pg_autoctl',
        'config',
        'set',
        '--pgdata',
        node.dataDirectory,
        `timeout.${key}`,
        String(value),
      ]);
    await cluster.boot(node.host);
    appendFileSync(join(node.dataDirectory, 'pg_hba.conf'), everybody);
  }
  await until('a whole formation of pg_auto_failover', 120, async () => {
    for (const node of nodes)
      await stage
        .run(node.host, ['psql', '-p', String(node.port), '-qAtc', 'select pg_reload_conf()'])
        .catch(() => undefined);
    return (await wholeCluster(nodes)) !== undefined;
  });
  return cluster;
}
