import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { MonitorClient } from '../../src/api/client.ts';
import type { GroupBody } from '../../src/api/schemas.ts';
import { readTokenFile } from '../../src/config/environment.ts';
import { useToken } from '../../src/deciding/derived-secrets.ts';
import { createStoreClient } from '../../src/deciding/store-client.ts';
import { openStore } from '../../src/keeper/open-store.ts';
import { acceptsWrites, assertReplayed, startClients, type ClusterClients } from './cluster-clients.ts';
import { makeClusterDirectory, type ClusterDirectory } from './cluster-directory.ts';
import { clusterNode, type ClusterNode } from './cluster-node.ts';
import { runPgbaton, type CommandOutcome } from './cluster-process.ts';
import { startEtcdCluster, type EtcdCluster } from './etcd-cluster.ts';
import { describeGroup, PATIENCE_MS, waitForGroup, waitForRest, type AtRest } from './group-at-rest.ts';
import { eventually } from './test-monitor.ts';
import { freePort } from './free-port.ts';

/** Three nodes that decide for themselves, and the etcd in which they keep what they have decided. */
export interface StoreGroup {
  readonly etcd: EtcdCluster;
  /** What `--store` takes. */
  readonly uri: string;
  readonly tokenFile: string;
  readonly directory: ClusterDirectory;
  readonly nodes: readonly ClusterNode[];
  readonly client: MonitorClient;
  group(): Promise<GroupBody>;
  primary(): Promise<ClusterNode>;
  standbys(): Promise<readonly ClusterNode[]>;
  settled(options?: AtRest): Promise<GroupBody>;
  startClients(): Promise<ClusterClients>;
  /** The group is at rest, one server accepts writes, and all have what any client was told is committed. */
  assertWhole(clients: ClusterClients, options?: AtRest): Promise<void>;
  pgbaton(...args: readonly string[]): Promise<CommandOutcome>;
  describe(): Promise<string>;
  stop(): Promise<void>;
}

const ADDRESS = { formation: 'default', group: 0 };
const ACCESS = ['--hostname', '127.0.0.1', '--listen', '127.0.0.1', '--ssl-self-signed', '--auth', 'trust'];

export async function startStoreGroup(): Promise<StoreGroup> {
  const etcd = await startEtcdCluster();
  const directory = makeClusterDirectory();
  const uri = `etcd://${etcd.members.map(({ host, port }) => `${host}:${port}`).join(',')}/groups?sslmode=disable`;
  const tokenFile = join(directory.path, 'node1.pgbaton', 'token');
  const nodes: ClusterNode[] = [];
  const writers: ClusterClients[] = [];
  for (const name of ['node1', 'node2', 'node3']) {
    const token = nodes.length === 0 ? [] : ['--token-file', tokenFile];
    const keeperPort = ['--keeper-port', String(await freePort())];
    nodes.push(
      clusterNode({
        name,
        port: await freePort(),
        pgdata: join(directory.path, name),
        directory: directory.path,
        createArguments: [...ACCESS, '--store', uri, ...keeperPort, ...token],
        onStart: (process) => directory.onStart(process),
      }),
    );
  }
  let client: MonitorClient | undefined;
  const connected = (): MonitorClient => {
    assert(client !== undefined, 'the first node has not been made');
    return client;
  };
  const group = (): Promise<GroupBody> => connected().getGroup(ADDRESS);
  const named = (name: string | undefined): ClusterNode => {
    const found = nodes.find((node) => node.name === name);
    assert(found !== undefined, `there is no node "${name}"`);
    return found;
  };

  const storeGroup: StoreGroup = {
    etcd,
    uri,
    tokenFile,
    directory,
    nodes,
    get client() {
      return connected();
    },
    group,
    async primary() {
      const { record } = await group();
      return named(record.nodes.find(({ id }) => id === record.reign?.holder)?.name);
    },
    async standbys() {
      const { record } = await group();
      return record.nodes.filter(({ id }) => id !== record.reign?.holder).map(({ name }) => named(name));
    },
    settled: (options = {}) => waitForRest(connected(), ADDRESS, options),
    async startClients() {
      await storeGroup.settled({ nodes: 3 });
      const clients = await startClients(await storeGroup.primary(), nodes);
      writers.push(clients);
      return clients;
    },
    async assertWhole(clients, options = {}) {
      await storeGroup.settled({ nodes: 3, ...options });
      await clients.progress(5);
      await clients.stop();
      const writable: string[] = [];
      for (const node of nodes) if (await acceptsWrites(node)) writable.push(node.name);
      assert.deepEqual(writable, [(await storeGroup.primary()).name], 'exactly one server accepts writes');
      await assertReplayed(clients, nodes);
    },
    pgbaton: (...args) =>
      runPgbaton(args, {
        cwd: directory.path,
        env: { PGBATON_STORE: uri, PGBATON_MONITOR_TOKEN: readTokenFile(tokenFile) },
      }),
    async describe() {
      const logs = directory.logs(nodes.map(({ stateDirectory }) => join(stateDirectory, 'postgresql.log')));
      return `${logs}${await group().then(describeGroup, String)}`;
    },
    async stop() {
      await Promise.all(writers.map((each) => each.stop()));
      client?.close();
      await directory.remove();
      await etcd.remove();
    },
  };

  try {
    for (const node of nodes) {
      node.create();
      if (client !== undefined) continue;
      // Its token is what the others need, and its name what makes it the first primary.
      const token = await eventually('the first node', () => readIfThere(tokenFile), PATIENCE_MS);
      client = await eventually('the formation', () => connect(uri, token), PATIENCE_MS);
      await waitForGroup(client, ADDRESS, 'the first node', PATIENCE_MS, (known) => known.nodes.length === 1);
    }
    await storeGroup.settled({ nodes: 3 });
    return storeGroup;
  } catch (error) {
    const logs = await storeGroup.describe().catch(String);
    await storeGroup.stop();
    throw new Error(`${(error as Error).message}\n${logs}`, { cause: error });
  }
}

function readIfThere(file: string): Promise<string | undefined> {
  try {
    return Promise.resolve(readTokenFile(file));
  } catch {
    return Promise.resolve(undefined);
  }
}

/** A client reads the formations when it is made. */
async function connect(uri: string, token: string): Promise<MonitorClient | undefined> {
  const client = await createStoreClient(openStore(uri, {}), useToken(token));
  if ((await client.listFormations()).length > 0) return client;
  client.close();
  return undefined;
}
