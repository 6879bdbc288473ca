import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext } from 'node:test';
import type { MonitorClient } from '../../src/api/client.ts';
import type { GroupBody, NodeView } from '../../src/api/schemas.ts';
import { stateDirectoryOf } from '../../src/config/paths.ts';
import { acceptsWrites, assertReplayed, startClients, type ClusterClients } from './cluster-clients.ts';
import { makeClusterDirectory, type ClusterDirectory } from './cluster-directory.ts';
import { clusterEtcd, type ClusterEtcd } from './cluster-etcd.ts';
import type { ClusterHome } from './cluster-home.ts';
import { clusterMonitor, type ClusterMonitor } from './cluster-monitor.ts';
import { clusterNode, type ClusterNode } from './cluster-node.ts';
import { runPgbaton, type CommandOutcome } from './cluster-process.ts';
import { describeGroup, PATIENCE_MS, waitForGroup, waitForRest, type AtRest } from './group-at-rest.ts';
import { LOOPBACK, type Place } from './place.ts';
import { eventually } from './test-monitor.ts';
import { freePort } from './free-port.ts';

export interface ClusterOptions {
  /** How many nodes to bring up, 3 by default; they are called node1, node2 and so on. */
  readonly nodes?: number;
  /** How nodes and local sessions log in. */
  readonly auth?: 'trust' | 'scram-sha-256';
  readonly monitorAuth?: 'trust' | 'token';
  /** Where the decisions stand; in a monitor unless said otherwise. */
  readonly store?: 'monitor' | 'etcd';
  /** Where the monitor and each node run; on this machine unless said otherwise. */
  readonly placeOf?: (name: string) => Place;
  /** Where the data of each node is; below the folder of all files unless said otherwise. */
  readonly pgdataOf?: (name: string) => string;
  /** The folder of all files; one below the machine's for temporary files unless said otherwise. */
  readonly folder?: string;
}

export interface NodeOptions {
  readonly name?: string;
  readonly formation?: string;
  /** A data directory that exists already. */
  readonly pgdata?: string;
  readonly port?: number;
  readonly extraArguments?: readonly string[];
  /** Leads it to the home where it is registered, if not the one of the cluster. */
  readonly home?: readonly string[];
}

/** Nodes and the home of their decisions as processes of their own, in a directory of their own, driven as users drive them. */
export interface TestCluster {
  readonly directory: string;
  readonly home: ClusterHome;
  /** The home, where it is a monitor; throws where it is not. */
  readonly monitor: ClusterMonitor;
  /** The home, where it is an etcd; throws where it is not. */
  readonly etcd: ClusterEtcd;
  readonly client: MonitorClient;
  readonly nodes: readonly ClusterNode[];
  /** Counted from 1, as in its name. */
  node(number: number): ClusterNode;
  /** Describes another node, and makes and runs it. */
  addNode(options?: NodeOptions): Promise<ClusterNode>;
  /** Describes another node that the test makes and runs in its own way. */
  newNode(options?: NodeOptions): Promise<ClusterNode>;
  /** A node that was dropped: it is none of the cluster's any more. */
  forget(node: ClusterNode): void;
  /** Runs a command with this cluster's monitor and token. */
  pgbaton(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<CommandOutcome>;
  /** As {@link pgbaton}; fails unless the exit code is 0, and returns stdout. */
  run(...args: readonly string[]): Promise<string>;
  /** `show state --json`. */
  state(): Promise<readonly NodeView[]>;
  group(formation?: string): Promise<GroupBody>;
  term(): Promise<number>;
  /** The node that holds the baton. */
  primary(formation?: string): Promise<ClusterNode>;
  /** The others, in the order of the record. */
  standbys(formation?: string): Promise<readonly ClusterNode[]>;
  /** The first of the standbys. */
  standby(): Promise<ClusterNode>;
  /** Waits for a condition on what the monitor knows. */
  waitUntil(
    what: string,
    condition: (group: GroupBody) => boolean,
    options?: { readonly timeoutMs?: number; readonly formation?: string },
  ): Promise<GroupBody>;
  /** Waits until the state of one node is so. */
  waitUntilNode(node: ClusterNode, what: string, condition: (view: NodeView) => boolean): Promise<void>;
  /** Waits until another primary serves clients, in a term later than this one. */
  newPrimary(afterTerm: number): Promise<ClusterNode>;
  /** Waits until a primary serves and everybody is what they are to be. */
  settled(options?: AtRest & { readonly formation?: string }): Promise<GroupBody>;
  /** Starts the home and every keeper that has ended, as a service manager does, and waits until all are heard of. */
  revive(): Promise<void>;
  /** Starts a keeper that does not run, and waits until it is heard of. */
  startKeeper(node: ClusterNode, env?: NodeJS.ProcessEnv): Promise<void>;
  startClients(pauseMs?: number): Promise<ClusterClients>;
  /**
   * What holds at the end of every test: the group is at rest, exactly one
   * server accepts writes, and every node that runs has all that any client was
   * told is committed. Stops the clients unless they are to go on.
   */
  assertWhole(
    clients?: ClusterClients,
    options?: AtRest & { readonly keepClients?: boolean; readonly formation?: string },
  ): Promise<void>;
  /** The ends of all logs, and what the monitor knows. */
  describe(): Promise<string>;
  /** Ends all processes and removes all files; fails when some are left. */
  stop(): Promise<void>;
}

/** Everything listens on one address only, the loopback one where that is not said otherwise. */
function access({ address }: Place): readonly string[] {
  const where = ['--hostname', address, '--listen', address, '--ssl-self-signed'];
  // Clients come from other hosts, where there are any.
  return address === LOOPBACK.address ? where : [...where, '--pg-hba-lan'];
}

/** Brings up a home and nodes, and waits until the group is at rest. Whatever fails, nothing is left behind. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { nodes = 3 } = options;
  const cluster = await emptyCluster(options);
  try {
    await cluster.home.start();
    for (let number = 1; number <= nodes; number++) {
      await cluster.addNode();
      // The first to be registered becomes the first primary; the others need not wait for one another.
      if (number > 1) continue;
      await cluster.home.connect();
      await cluster.waitUntil('the first node', (group) => group.nodes.length === 1);
    }
    if (nodes > 0) await cluster.settled({ nodes });
    return cluster;
  } catch (error) {
    const logs = await cluster.describe().catch(String);
    await cluster.stop();
    throw new Error(`${(error as Error).message}\n${logs}`, { cause: error });
  }
}

/**
 * A cluster that the tests of a `describe` share: brought up before the first,
 * removed after the last. When a test fails, the ends of all logs are printed.
 */
export function sharedCluster(options: ClusterOptions = {}): () => TestCluster {
  let cluster: TestCluster | undefined;
  before(async () => {
    cluster = await startCluster(options);
  });
  afterEach(async (context) => {
    if (!hasFailed(context) || cluster === undefined) return;
    console.error(await cluster.describe());
    // One failure is enough: what this test has killed must not fail those behind it.
    await cluster.revive().catch((error: unknown) => console.error(error));
  });
  after(() => cluster?.stop());
  return () => {
    assert(cluster !== undefined, 'the cluster has not been brought up');
    return cluster;
  };
}

/** As {@link startCluster}, for one test. */
export async function clusterFor(context: TestContext, options: ClusterOptions = {}): Promise<TestCluster> {
  const cluster = await startCluster(options);
  context.after(async () => {
    if (hasFailed(context)) console.error(await cluster.describe());
    await cluster.stop();
  });
  return cluster;
}

/** `passed` is missing in the type declarations of Node 24. */
function hasFailed(context: unknown): boolean {
  return (context as { readonly passed?: boolean }).passed === false;
}

/** A cluster of which nothing runs yet. */
export async function emptyCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { auth = 'trust', placeOf = () => LOOPBACK } = options;
  const directory = makeClusterDirectory(options.folder);
  const { home, ...kindOfHome } = await makeHome(options, directory, placeOf);
  const nodes: ClusterNode[] = [];
  const clientsOfTests: ClusterClients[] = [];
  let described = 0;

  const cluster: TestCluster = {
    directory: directory.path,
    home,
    get monitor() {
      assert(kindOfHome.monitor !== undefined, 'this cluster has no monitor');
      return kindOfHome.monitor;
    },
    get etcd() {
      assert(kindOfHome.etcd !== undefined, 'this cluster has no etcd');
      return kindOfHome.etcd;
    },
    nodes,
    get client() {
      return home.client;
    },
    ...waits(home),
    ...roles(home, nodes),
    async newNode(node = {}) {
      const { name = `node${described + 1}`, formation = 'default', extraArguments = [] } = node;
      described += 1;
      const place = placeOf(name);
      const pgdata = node.pgdata ?? options.pgdataOf?.(name) ?? join(directory.path, name);
      const decided =
        node.home ?? (await home.createArguments({ place, stateDirectory: stateDirectoryOf(pgdata) }));
      const created = clusterNode({
        name,
        place,
        port: node.port ?? (await freePort()),
        pgdata,
        directory: directory.path,
        createArguments: [
          ...access(place),
          '--auth',
          auth,
          '--formation',
          formation,
          ...decided,
          ...extraArguments,
        ],
        onStart: (process) => directory.onStart(process),
      });
      nodes.push(created);
      return created;
    },
    async addNode(node) {
      const added = await cluster.newNode(node);
      added.create();
      return added;
    },
    forget: (node) => void nodes.splice(nodes.indexOf(node), 1),
    pgbaton: (args, env = {}) =>
      runPgbaton(args, { cwd: directory.path, env: { ...home.environment(), ...env } }),
    async run(...args) {
      const { exitCode, stdout, stderr } = await cluster.pgbaton(args);
      assert.equal(exitCode, 0, `pgbaton ${args.join(' ')} failed: ${stderr}${stdout}`);
      return stdout;
    },
    async state() {
      return JSON.parse(await cluster.run('show', 'state', '--json')) as NodeView[];
    },
    revive: () => revive(home, nodes),
    startKeeper: (node, env) => startAndHear(home, [node], env),
    async startClients(pauseMs) {
      const clients = await startClients(await cluster.primary(), nodes, pauseMs);
      clientsOfTests.push(clients);
      return clients;
    },
    assertWhole: (clients, atRest) => assertWhole(cluster, clients, atRest),
    async describe() {
      const logs = directory.logs(nodes.map(({ stateDirectory }) => join(stateDirectory, 'postgresql.log')));
      const known = await cluster.group().then(describeGroup, (error: unknown) => String(error));
      return `${logs}${known}`;
    },
    async stop() {
      await Promise.all(clientsOfTests.map((clients) => clients.stop()));
      home.close();
      await directory.remove();
    },
  };
  return cluster;
}

/** One of the two is there. */
async function makeHome(
  { store = 'monitor', nodes = 3, monitorAuth: auth = 'trust' }: ClusterOptions,
  directory: ClusterDirectory,
  placeOf: (name: string) => Place,
): Promise<{ readonly home: ClusterHome; readonly monitor?: ClusterMonitor; readonly etcd?: ClusterEtcd }> {
  if (store === 'etcd') {
    // Beside each of the first three nodes; the third of a pair is where a monitor would be.
    const places = ['node1', 'node2', nodes > 2 ? 'node3' : 'monitor'];
    const etcd = await clusterEtcd({ directory, places, placeOf });
    return { home: etcd, etcd };
  }
  const port = await freePort();
  const monitor = clusterMonitor({ directory, port, auth, place: placeOf('monitor') });
  return { home: monitor, monitor };
}

function waits(home: ClusterHome): Pick<TestCluster, 'waitUntil' | 'waitUntilNode' | 'settled'> {
  const waitUntil: TestCluster['waitUntil'] = (what, condition, options = {}) => {
    const { timeoutMs = PATIENCE_MS, formation = 'default' } = options;
    return waitForGroup(home.client, { formation, group: 0 }, what, timeoutMs, condition);
  };
  return {
    waitUntil,
    async waitUntilNode(node, what, condition) {
      await waitUntil(what, ({ nodes }) => nodes.some((view) => view.name === node.name && condition(view)));
    },
    settled: ({ formation = 'default', ...atRest } = {}) =>
      waitForRest(home.client, { formation, group: 0 }, atRest),
  };
}

function roles(
  home: ClusterHome,
  nodes: readonly ClusterNode[],
): Pick<TestCluster, 'node' | 'group' | 'term' | 'primary' | 'standbys' | 'standby' | 'newPrimary'> {
  const group = (formation = 'default'): Promise<GroupBody> => home.client.getGroup({ formation, group: 0 });
  const primary = async (formation?: string): Promise<ClusterNode> => {
    const { record } = await group(formation);
    return named(nodes, record.nodes.find(({ id }) => id === record.reign?.holder)?.name);
  };
  const standbys = async (formation?: string): Promise<readonly ClusterNode[]> => {
    const { record } = await group(formation);
    const others = record.nodes.filter(({ id }) => id !== record.reign?.holder);
    return others.map(({ name }) => named(nodes, name));
  };
  return {
    group,
    primary,
    standbys,
    node: (number) => named(nodes, nodes[number - 1]?.name),
    term: async () => (await group()).record.reign?.term ?? 0,
    async standby() {
      const [first] = await standbys();
      assert(first !== undefined, 'the group has no standby');
      return first;
    },
    async newPrimary(afterTerm) {
      await waitForGroup(
        home.client,
        { formation: 'default', group: 0 },
        `a primary of a term after ${afterTerm}`,
        PATIENCE_MS,
        ({ record: { reign } }) => reign !== null && reign.term > afterTerm && reign.confirmed,
      );
      return primary();
    },
  };
}

function named(nodes: readonly ClusterNode[], name: string | undefined): ClusterNode {
  const found = nodes.find((node) => node.name === name);
  assert(found !== undefined, `the cluster has no node "${name}"`);
  return found;
}

async function revive(home: ClusterHome, nodes: readonly ClusterNode[]): Promise<void> {
  await home.revive();
  const ended = nodes.filter((node) => node.keeper().ended() !== undefined);
  await startAndHear(home, ended);
}

async function startAndHear(
  home: ClusterHome,
  nodes: readonly ClusterNode[],
  env?: NodeJS.ProcessEnv,
): Promise<void> {
  const before = await keeperSessions(home);
  for (const node of nodes) node.startKeeper(env);
  await eventually(
    'the new keepers to report',
    async () => {
      const sessions = await keeperSessions(home);
      return nodes.every(({ name }) => sessions.has(name) && sessions.get(name) !== before.get(name));
    },
    PATIENCE_MS,
  );
}

/** Which process of a keeper each node was last heard of from; where keepers decide, nobody may be there to say so yet. */
async function keeperSessions({ client }: ClusterHome): Promise<ReadonlyMap<string, number>> {
  const known = await client.getEvidence({ formation: 'default', group: 0 }).catch(() => undefined);
  if (known === undefined) return new Map();
  const { record, evidence } = known;
  const nameOf = (id: number): string => record.nodes.find((node) => node.id === id)?.name ?? '';
  return new Map(evidence.reports.map(({ report }) => [nameOf(report.node), report.session]));
}

async function assertWhole(
  cluster: TestCluster,
  clients: ClusterClients | undefined,
  options: NonNullable<Parameters<TestCluster['assertWhole']>[1]> = {},
): Promise<void> {
  const { keepClients = false, ...atRest } = options;
  const { nodes } = await cluster.settled(atRest);
  await clients?.progress(5);
  if (!keepClients) await clients?.stop();
  const members = nodes.map(({ name }) => named(cluster.nodes, name));
  const running = members.filter((node) => node.postmaster() !== undefined);
  const writable: string[] = [];
  for (const node of running) if (await acceptsWrites(node)) writable.push(node.name);
  const primary = await cluster.primary(options.formation);
  assert.deepEqual(writable, [primary.name], 'exactly one server accepts writes');
  if (clients !== undefined) await assertReplayed(clients, running);
}
