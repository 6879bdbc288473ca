import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterNode } from '../support/cluster-node.ts';
import { mountDisk, type Disk } from '../support/hosts/disk.ts';
import type { Host } from '../support/hosts/host.ts';
import { makeFolder, unmountBelow, type HostsRun } from '../support/hosts/hosts-run.ts';
import type { CutOptions, Network } from '../support/hosts/network.ts';
import type { Place } from '../support/place.ts';
import { startCluster, type TestCluster } from '../support/test-cluster.ts';
import { machineMs } from './clients/client-log.ts';
import { CLIENT_ROLE } from './clients/client-session.ts';
import { MAKE_TABLES } from './clients/statements.ts';
import { clientProcesses, type ClientProcesses } from './client-processes.ts';

/** A part of the cluster that has a host of its own; on that of the monitor is the third member of an etcd of two nodes. */
export type Part = ClusterNode | 'monitor' | 'client';

/** A cluster on hosts, its clients, and what can be done to them. */
export interface Stage {
  readonly store: 'monitor' | 'etcd';
  readonly cluster: TestCluster;
  readonly network: Network;
  readonly clients: ClientProcesses;
  /** When the first fault happened, on the machine's clock; undefined before. */
  firstFaultMs(): number | undefined;
  /** The term in which the scenario began. */
  readonly firstTerm: number;
  host(part: Part): Host;
  /** The disk of a node; throws where the scenario did not ask for disks. */
  disk(node: ClusterNode): Disk;
  /** Says that the fault happens now; all that follow here do so by themselves. */
  fault(): void;
  /** Its host is gone at once, silently. */
  powerOff(part: Part): void;
  /** Its host is back, and what its service manager starts; somebody must be there to hear of it. */
  powerOn(part: Part): Promise<void>;
  /** Its network is back, and nothing is started. */
  plugIn(part: Part): void;
  /** From all the others, unless they are named. */
  cut(part: Part, options?: Omit<CutOptions, 'from'> & { readonly from?: readonly Part[] }): void;
  /** Cuts it off from every member of etcd that is not on its own host, and from nothing else; the one there from the others. */
  cutFromEtcd(part: Part, how: 'drop' | 'reject'): void;
  /** Undoes all cuts. */
  heal(): void;
  freeze(part: Part): void;
  thaw(part: Part): void;
  /** From now on, what is started there for the cluster is started by this command. */
  startBy(part: Part, command: readonly string[]): void;
  /** Waits until another primary serves, in a later term than the scenario began with. */
  newPrimary(): Promise<ClusterNode>;
  /** Adds a node, on a host of its own. */
  addNode(extraArguments?: readonly string[]): Promise<ClusterNode>;
  /** Undoes every fault that a scenario has left, and starts what a service manager would have started. */
  healAll(): Promise<void>;
  /** What the next scenario begins with: new clients on empty tables. */
  begin(scenario: string): Promise<void>;
  remove(): Promise<void>;
}

const DISK_MB = 384;

export interface StageOptions {
  readonly run: HostsRun;
  readonly network: Network;
  readonly nodes: number;
  readonly store: 'monitor' | 'etcd';
  readonly hasDisks: boolean;
  /** Of the folder, below that of the run. */
  readonly name: string;
}

/** Brings up a cluster on hosts of its own. */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { network, nodes, store, hasDisks } = options;
  const folder = join(options.run.directory, options.name);
  mkdirSync(folder);
  makeFolder(folder, 'postgres');
  const hosts = new Map<string, Host>();
  const disks = new Map<string, Disk>();
  const starters = new Map<string, readonly string[]>();
  const hostNamed = (name: string): Host => {
    const host = hosts.get(name) ?? network.addHost(name);
    hosts.set(name, host);
    return host;
  };
  const diskNamed = (name: string): Disk => {
    const disk =
      disks.get(name) ?? mountDisk(join(folder, `${name}-disk`), { sizeMb: DISK_MB, user: 'postgres' });
    disks.set(name, disk);
    return disk;
  };
  const placeOf = (name: string): Place => {
    const host = hostNamed(name);
    const command = (argv: readonly string[]): readonly string[] =>
      host.command([...(starters.get(name) ?? []), ...argv], 'postgres');
    return { address: host.address, command };
  };
  const pgdataOf = (name: string): string => join(hasDisks ? diskNamed(name).path : folder, name);
  const cluster = await startCluster({
    nodes,
    store,
    folder,
    pgdataOf,
    placeOf,
  });
  await cluster.client.updateSettings('default', { crash_failovers: 100 });
  return stage(cluster, network, { store, folder, hostNamed, hosts, disks, starters });
}

interface Parts {
  readonly store: 'monitor' | 'etcd';
  readonly folder: string;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly disks: ReadonlyMap<string, Disk>;
  readonly starters: Map<string, readonly string[]>;
  hostNamed(name: string): Host;
}

function stage(cluster: TestCluster, network: Network, parts: Parts): Stage {
  let clients: ClientProcesses | undefined;
  let firstFaultMs: number | undefined;
  let firstTerm = 0;
  const frozen = new Set<Part>();
  const off = new Set<Part>();
  const host = (part: Part): Host => parts.hostNamed(typeof part === 'string' ? part : part.name);
  const runningClients = (): ClientProcesses => {
    if (clients === undefined) throw new Error('no clients were started');
    return clients;
  };
  const startLocal = (node: ClusterNode): void => runningClients().startLocal(host(node), addressOf(node));

  /** What of the home was on a host that was off. */
  async function startHomeOn(name: string): Promise<void> {
    if (parts.store === 'monitor') {
      if (name === 'monitor') await cluster.monitor.start();
      return;
    }
    for (const member of cluster.etcd.members.filter(({ placeName }) => placeName === name)) {
      await member.process().end();
      member.start();
    }
  }

  const made: Stage = {
    store: parts.store,
    cluster,
    network,
    get clients() {
      return runningClients();
    },
    get firstTerm() {
      return firstTerm;
    },
    firstFaultMs: () => firstFaultMs,
    host,
    disk(node) {
      const disk = parts.disks.get(node.name);
      if (disk === undefined) throw new Error(`${node.name} has no disk of its own`);
      return disk;
    },
    fault: () => void (firstFaultMs ??= machineMs()),
    powerOff(part) {
      made.fault();
      network.powerOff(host(part));
      off.add(part);
    },
    async powerOn(part) {
      off.delete(part);
      network.powerOn(host(part));
      await startHomeOn(host(part).name);
      if (typeof part !== 'string') {
        await part.keeper().end();
        await cluster.startKeeper(part);
        startLocal(part);
      }
    },
    cutFromEtcd(part, how) {
      made.fault();
      const ports = cluster.etcd.members.flatMap(({ port, peerPort }) => [port, peerPort]);
      network.cut(host(part), { how, ports });
    },
    plugIn: (part) => network.powerOn(host(part)),
    cut(part, { from, ...how } = {}) {
      made.fault();
      network.cut(host(part), from === undefined ? how : { ...how, from: from.map(host) });
    },
    heal: () => network.heal(),
    freeze(part) {
      made.fault();
      network.freeze(host(part));
      frozen.add(part);
    },
    thaw(part) {
      frozen.delete(part);
      network.thaw(host(part));
    },
    startBy: (part, command) => void parts.starters.set(host(part).name, command),
    newPrimary: () => cluster.newPrimary(firstTerm),
    async addNode(extraArguments = []) {
      const node = await cluster.addNode({ extraArguments });
      startLocal(node);
      return node;
    },
    async healAll() {
      parts.starters.clear();
      for (const part of frozen) made.thaw(part);
      network.heal();
      for (const disk of parts.disks.values()) {
        disk.thaw();
        disk.free();
      }
      // The others wait until somebody has heard of them.
      if (off.has('monitor')) await made.powerOn('monitor');
      for (const part of off) await made.powerOn(part);
      await cluster.revive();
      for (const node of cluster.nodes) if (node.keeper().ended() === undefined) startLocal(node);
    },
    async begin(scenario) {
      firstFaultMs = undefined;
      firstTerm = await cluster.term();
      const primary = await cluster.primary();
      await makeClientRole(primary);
      await primary.sql(MAKE_TABLES);
      clients = clientProcesses(join(parts.folder, `clients-of-${scenario}`));
      const members = cluster.nodes.filter((node) => node.keeper().ended() === undefined);
      for (const node of members) startLocal(node);
      clients.startWriter(host('client'), members.map(addressOf));
      await clients.progress();
    },
    async remove() {
      await clients?.stop();
      for (const each of parts.hosts.values()) each.continueAll();
      for (const disk of parts.disks.values()) disk.thaw();
      for (const each of parts.hosts.values()) network.removeHost(each);
      unmountBelow(parts.folder);
      await cluster.stop();
    },
  };
  return made;
}

function addressOf(node: ClusterNode): string {
  return `${node.place.address}:${node.port}`;
}

async function makeClientRole(primary: ClusterNode): Promise<void> {
  const known = await primary.sql(`select 1 from pg_roles where rolname = '${CLIENT_ROLE}'`);
  if (known.length === 0) await primary.sql(`create role ${CLIENT_ROLE} login`);
}
