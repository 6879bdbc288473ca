import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeFolder } from '../../../test/support/hosts/hosts-run.ts';
import { describeEtcd } from '../etcd.ts';
import { wholeCluster } from '../servers.ts';
import { BIN, SERVER_USER, until, type Stage } from '../stage.ts';
import type { Cluster, DataNode, System } from '../system.ts';

const SCOPE = 'bench';
const REST_PORT = 8_008;

/** What is written to `bootstrap.dcs`, beside what all variants share. */
type Dynamic = Readonly<Record<string, number | boolean>>;

/** Debian's template for its configuration has these; they are also Patroni's own defaults. */
const DEFAULTS: Dynamic = { ttl: 30, loop_wait: 10, retry_timeout: 10, maximum_lag_on_failover: 1_048_576 };
/**
 * The least of each that Patroni's documentation allows. Version 3.0.2 accepts
 * less, but a primary that was cut off with a ttl of 7 s was seen to
 * acknowledge rows beside its successor.
 */
const FAST: Dynamic = {
  ...DEFAULTS,
  ttl: 20,
  loop_wait: 1,
  retry_timeout: 3,
  primary_start_timeout: 0,
  failsafe_mode: true,
};

export const patroni: readonly System[] = [
  variant('patroni-default', DEFAULTS),
  variant('patroni-fast', FAST),
  variant('patroni-fast-sync', { ...FAST, synchronous_mode: true }),
];

function variant(name: string, dynamic: Dynamic): System {
  const settings = Object.entries(dynamic).map(([key, value]) => `${key}: ${value}`);
  return { name, settings: settings.join(', '), create: (stage) => createCluster(stage, dynamic) };
}

async function createCluster(stage: Stage, dynamic: Dynamic): Promise<Cluster> {
  const etcd = describeEtcd(stage);
  const nodes = stage.dataNodes();
  const files = new Map(
    nodes.map((node) => [node.host.name, writeConfiguration(stage, node, etcd.endpoints, dynamic)]),
  );
  const [first] = nodes;
  if (first === undefined) throw new Error('there are no nodes');
  const ctl = (...args: readonly string[]): Promise<string> => {
    const [host] = etcd.hosts;
    if (host === undefined) throw new Error('there is no etcd');
    return stage.run(host, ['patronictl', '-c', files.get(first.host.name) ?? '', ...args]);
  };

  const cluster: Cluster = {
    nodes,
    controlHosts: etcd.hosts,
    async boot(host) {
      const file = files.get(host.name);
      if (file === undefined) etcd.boot(host);
      else stage.start(host, ['patroni', file]);
    },
    async switchover(from, to) {
      await ctl('switchover', SCOPE, '--leader', from.name, '--candidate', to.name, '--force');
    },
    async isContent() {
      const members = JSON.parse(await ctl('list', SCOPE, '-f', 'json')) as readonly Record<
        string,
        unknown
      >[];
      const roles = members.map(({ Role }) => Role);
      const isWhole = members.length === nodes.length && members.every(({ State }) => State === 'running');
      return (
        isWhole &&
        roles.includes('Leader') &&
        (dynamic.synchronous_mode !== true || roles.includes('Sync Standby'))
      );
    },
  };
  for (const host of [...etcd.hosts, first.host]) await cluster.boot(host);
  const ready = (wanted: readonly DataNode[]) => async (): Promise<boolean> =>
    (await wholeCluster(wanted)) !== undefined;
  await until('the first node of Patroni', 60, ready([first]));
  for (const { host } of nodes.slice(1)) await cluster.boot(host);
  await until('a whole cluster of Patroni', 120, ready(nodes));
  return cluster;
}

function writeConfiguration(
  stage: Stage,
  { name, host, port, dataDirectory }: DataNode,
  endpoints: readonly string[],
  dynamic: Dynamic,
): string {
  const sockets = join(stage.folderOf(host), 'sockets');
  const file = join(stage.folderOf(host), 'patroni.yaml');
  const trusted = [
    'local all all trust',
    'host all all 0.0.0.0/0 trust',
    'host replication all 0.0.0.0/0 trust',
  ];
  const rest = `${host.address}:${REST_PORT}`;
  const configuration = {
    scope: SCOPE,
    name,
    restapi: { listen: rest, connect_address: rest },
    etcd3: { hosts: endpoints },
    bootstrap: {
      dcs: { ...dynamic, postgresql: { use_pg_rewind: true, use_slots: true } },
      initdb: [{ encoding: 'UTF8' }],
    },
    postgresql: {
      listen: `${host.address}:${port}`,
      connect_address: `${host.address}:${port}`,
      data_dir: dataDirectory,
      bin_dir: BIN,
      pgpass: join(stage.folderOf(host), 'pgpass'),
      // Debian's template: what can't be rewound is cloned again.
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
      pg_hba: trusted,
      authentication: {
        superuser: { username: SERVER_USER, password: 'unused' },
        replication: { username: 'replicator', password: 'unused' },
      },
      parameters: { unix_socket_directories: sockets },
    },
  };
  makeFolder(sockets, SERVER_USER);
  writeFileSync(file, stringify(configuration));
  return file;
}
