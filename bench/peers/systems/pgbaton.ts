import { join, resolve } from 'node:path';
import { createMonitorClient, type MonitorClient } from '../../../src/api/client.ts';
import { parseMonitorUri } from '../../../src/config/monitor-uri.ts';
import { until, type Stage } from '../stage.ts';
import { wholeCluster } from '../servers.ts';
import type { Cluster, DataNode, System } from '../system.ts';

const PGBATON = resolve(import.meta.dirname, '../../../bin/pgbaton');
const MONITOR_PORT = 5_000;
const MEMBERS = new Set(['primary', 'secondary']);

/** Of the formation. */
type Settings = Parameters<MonitorClient['updateSettings']>[1];

/** With its embedded monitor on a host of its own, as `create` sets it up. */
export const pgbaton: readonly System[] = [
  { name: 'pgbaton', settings: 'defaults', create: (stage) => createCluster(stage) },
  variant('pgbaton-fast', { detection_ms: 1_000, heartbeat_ms: 250 }),
];

function variant(name: string, changed: Settings): System {
  const settings = Object.entries(changed).map(([key, value]) => `${key}: ${value}`);
  return { name, settings: settings.join(', '), create: (stage) => createCluster(stage, changed) };
}

async function createCluster(stage: Stage, settings?: Settings): Promise<Cluster> {
  const monitor = stage.addHost('monitor');
  const nodes = stage.dataNodes();
  const monitorData = join(stage.folderOf(monitor), 'data');
  const uri = `pgbaton://${monitor.address}:${MONITOR_PORT}?sslmode=disable`;
  const pgbatonIn = (...args: readonly string[]): Promise<string> => stage.run(monitor, [PGBATON, ...args]);

  const cluster: Cluster = {
    nodes,
    controlHosts: [monitor],
    async boot(host) {
      const node = nodes.find((each) => each.host === host);
      stage.start(host, [PGBATON, 'run', '--pgdata', node?.dataDirectory ?? monitorData]);
    },
    async switchover(_from, to) {
      await pgbatonIn('perform', 'switchover', '--monitor', uri, '--name', to.name);
    },
    async isContent() {
      const text = await pgbatonIn('show', 'state', '--json', '--monitor', uri);
      const states = JSON.parse(text) as readonly { readonly reported_state: string }[];
      return states.every((state) => MEMBERS.has(state.reported_state));
    },
  };

  const create = [PGBATON, 'create', 'monitor', '--no-ssl', '--auth', 'trust', '--run'];
  stage.start(monitor, [...create, ...where(monitor.address, monitorData, MONITOR_PORT)]);
  await until('the monitor of pgbaton answers', 30, () =>
    pgbatonIn('show', 'state', '--json', '--monitor', uri).then(
      () => true,
      () => false,
    ),
  );
  for (const node of nodes) startNode(stage, node, uri);
  await until('a whole group of pgbaton', 90, async () => (await wholeCluster(nodes)) !== undefined);
  if (settings !== undefined) {
    const client = createMonitorClient(parseMonitorUri(uri));
    await client.updateSettings('default', settings).finally(() => client.close());
  }
  return cluster;
}

function startNode(stage: Stage, { name, host, port, dataDirectory }: DataNode, uri: string): void {
  const create = [PGBATON, 'create', 'postgres', '--no-ssl', '--auth', 'trust', '--pg-hba-lan', '--run'];
  stage.start(host, [
    ...create,
    '--name',
    name,
    '--monitor',
    uri,
    ...where(host.address, dataDirectory, port),
  ]);
}

function where(address: string, dataDirectory: string, port: number): readonly string[] {
  return ['--hostname', address, '--pgdata', dataDirectory, '--pgport', String(port)];
}
