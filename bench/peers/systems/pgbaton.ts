import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createMonitorClient, type MonitorClient } from '../../../src/api/client.ts';
import { parseMonitorUri } from '../../../src/config/monitor-uri.ts';
import type { Host } from '../../../test/support/hosts/host.ts';
import { describeEtcd } from '../etcd.ts';
import { until, type Stage } from '../stage.ts';
import { wholeCluster } from '../servers.ts';
import type { Cluster, DataNode, System } from '../system.ts';

const PGBATON = resolve(import.meta.dirname, '../../../bin/pgbaton');
const MONITOR_PORT = 5_000;
const MEMBERS = new Set(['primary', 'secondary']);

/** Of the formation. */
type Settings = Parameters<MonitorClient['updateSettings']>[1];

/** With its embedded monitor on a host of its own, as `create` sets it up; and without one, on etcd. */
export const pgbaton: readonly System[] = [
  { name: 'pgbaton', settings: 'defaults', create: (stage) => createCluster(stage, withMonitor(stage)) },
  variant('pgbaton-fast', { detection_ms: 1_000, heartbeat_ms: 250 }),
  {
    name: 'pgbaton-etcd',
    settings: 'defaults, on the same etcd as Patroni',
    create: (stage) => createCluster(stage, withEtcd(stage)),
  },
];

function variant(name: string, changed: Settings): System {
  const settings = Object.entries(changed).map(([key, value]) => `${key}: ${value}`);
  return {
    name,
    settings: settings.join(', '),
    async create(stage) {
      const home = withMonitor(stage);
      const cluster = await createCluster(stage, home);
      const client = createMonitorClient(parseMonitorUri(home.uri));
      await client.updateSettings('default', changed).finally(() => client.close());
      return cluster;
    },
  };
}

/** Where the decisions stand. */
interface Home {
  readonly hosts: readonly Host[];
  boot(host: Host): void;
  /** Resolves when nodes can be made. */
  start(): Promise<void>;
  /** What names it to a command. */
  readonly options: readonly string[];
  /** Resolves when the others can join the first node. */
  joinable(first: DataNode): Promise<void>;
  /** The same for those that join, and for commands, once they can. */
  joinOptions(): readonly string[];
}

function withMonitor(stage: Stage): Home & { readonly uri: string } {
  const monitor = stage.addHost('monitor');
  const data = join(stage.folderOf(monitor), 'data');
  const uri = `pgbaton://${monitor.address}:${MONITOR_PORT}?sslmode=disable`;
  const options = ['--monitor', uri];
  return {
    uri,
    hosts: [monitor],
    options,
    boot: () => void stage.start(monitor, [PGBATON, 'run', '--pgdata', data]),
    async start() {
      const create = [PGBATON, 'create', 'monitor', '--no-ssl', '--auth', 'trust', '--run'];
      stage.start(monitor, [...create, ...where(monitor.address, data, MONITOR_PORT)]);
      await until('the monitor of pgbaton answers', 30, () =>
        stage.run(monitor, [PGBATON, 'show', 'state', '--json', ...options]).then(
          () => true,
          () => false,
        ),
      );
    },
    joinable: () => Promise.resolve(),
    joinOptions: () => options,
  };
}

function withEtcd(stage: Stage): Home {
  const etcd = describeEtcd(stage);
  const options = ['--store', `etcd://${etcd.endpoints.join(',')}/bench?sslmode=disable`];
  let token: readonly string[] = [];
  return {
    hosts: etcd.hosts,
    options,
    boot: (host) => etcd.boot(host),
    async start() {
      for (const host of etcd.hosts) etcd.boot(host);
      await until('etcd answers', 30, () =>
        fetch(`http://${etcd.endpoints[0]}/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
    },
    async joinable({ dataDirectory }) {
      const file = join(`${dataDirectory}.pgbaton`, 'token');
      token = ['--token-file', file];
      await until('the first node of pgbaton', 60, () => Promise.resolve(existsSync(file)));
    },
    joinOptions: () => [...options, ...token],
  };
}

async function createCluster(stage: Stage, home: Home): Promise<Cluster> {
  const nodes = stage.dataNodes();
  const [first, ...others] = nodes;
  const [control] = home.hosts;
  if (first === undefined || control === undefined) throw new Error('there are no hosts');
  const pgbatonIn = (...args: readonly string[]): Promise<string> =>
    stage.run(control, [PGBATON, ...args, ...home.joinOptions()]);

  await home.start();
  startNode(stage, first, home.options);
  await home.joinable(first);
  for (const node of others) startNode(stage, node, home.joinOptions());
  await until('a whole group of pgbaton', 90, async () => (await wholeCluster(nodes)) !== undefined);
  return {
    nodes,
    controlHosts: home.hosts,
    async boot(host) {
      const node = nodes.find((each) => each.host === host);
      if (node === undefined) home.boot(host);
      else stage.start(host, [PGBATON, 'run', '--pgdata', node.dataDirectory]);
    },
    async switchover(_from, to) {
      await pgbatonIn('perform', 'switchover', '--name', to.name);
    },
    async isContent() {
      const text = await pgbatonIn('show', 'state', '--json');
      const states = JSON.parse(text) as readonly { readonly reported_state: string }[];
      return states.every((state) => MEMBERS.has(state.reported_state));
    },
  };
}

function startNode(
  stage: Stage,
  { name, host, port, dataDirectory }: DataNode,
  home: readonly string[],
): void {
  const create = [PGBATON, 'create', 'postgres', '--no-ssl', '--auth', 'trust', '--pg-hba-lan', '--run'];
  stage.start(host, [...create, '--name', name, ...home, ...where(host.address, dataDirectory, port)]);
}

function where(address: string, dataDirectory: string, port: number): readonly string[] {
  return ['--hostname', address, '--pgdata', dataDirectory, '--pgport', String(port)];
}
