import { findNode, type GroupRecord, type NodeId } from '../src/core/group-record.ts';
import { registerNode } from '../src/core/requests.ts';
import { createClients, type Clients } from './clients.ts';
import type { Home } from './home.ts';
import { checkData, checkNames, checkSwap, noteNames } from './record-checks.ts';
import { createVirtualKeeper, type VirtualKeeper } from './virtual-keeper.ts';
import { createVirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';
import type { WriteGap } from './write-gap.ts';

/** A whole simulated group: home, keepers, servers and clients. */
export interface SimulatedGroup {
  readonly world: World;
  readonly home: Home;
  /** The nodes that belong to the group, and those on their way out. */
  readonly nodes: NodeId[];
  readonly keepers: Map<NodeId, VirtualKeeper>;
  readonly clients: Clients;
  /** How often a keeper dies at a crash point. */
  crashPointChance: number;
  /** The faults are over: what one of them would still do later is not done. */
  isHealed: boolean;
  /** After that people have taken back what they asked for. */
  isTakenBack: boolean;
  promotedByHand: boolean;
  /** What a primary may wait for: see checkNames. */
  readonly decidedNames: Set<string>;
  readonly gaps: WriteGap[];
  /** How many reigns have begun. */
  reigns: number;
  hasLostDisk: boolean;
  /** People have decided that no commit waits for a standby. */
  isAsync: boolean;
  /** Since when a server has looked writable though another one reigns, and nothing kept its keeper from closing it. */
  readonly oldPrimarySinceMs: Map<string, number>;
}

export function createGroup(world: World, size: number, clientCount: number, home: Home): SimulatedGroup {
  const nodes: NodeId[] = [];
  const group: SimulatedGroup = {
    world,
    home,
    nodes,
    keepers: new Map(),
    clients: createClients(world, nodes, clientCount),
    crashPointChance: 0,
    isHealed: false,
    isTakenBack: false,
    promotedByHand: false,
    decidedNames: new Set(),
    gaps: [],
    reigns: 0,
    hasLostDisk: false,
    isAsync: false,
    oldPrimarySinceMs: new Map(),
  };
  let decided: GroupRecord | undefined;
  group.home.onSwap = (before, next) => {
    if (termOf(next) >= termOf(decided)) decided = next;
    if (next.reign?.term !== before.reign?.term) {
      group.reigns += 1;
      world.checkers.reignBeganMs = world.clock.nowMs;
    }
    checkSwap(group, before, next);
    noteNames(group.decidedNames, next);
  };
  world.checkers.decided = () => decided;
  world.checkers.promisedBy = (node) => group.keepers.get(node)?.durable.pledge?.term ?? 0;
  group.home.begin();
  for (let node = 0; node < size; node++) addNode(group);
  group.clients.begin();
  return group;
}

/** A store that was lost, or is an old copy, takes requests: none of them takes back what was decided in a later reign. */
function termOf(record: GroupRecord | undefined): number {
  return record?.reign?.term ?? 0;
}

/** `pgbaton create postgres --run` on a machine without data. */
export function addNode(group: SimulatedGroup): void {
  const { world, home } = group;
  const node = home.store.stored.record.nextNodeId;
  home.register((record) =>
    registerNode(record, {
      name: null,
      host: `n${node}`,
      port: 5432,
      candidatePriority: 50,
      replicationQuorum: !group.isAsync,
      systemIdentifier: null,
    }),
  );
  // A store that did not answer may not have taken it: then somebody has to ask again, and nobody does.
  if (findNode(home.store.stored.record, node) === undefined) return;
  const server = createVirtualPostgres(world, node);
  world.servers.set(node, server);
  server.onNames = () => {
    checkNames(group, server);
    checkData(group, server);
  };
  const keeper = createVirtualKeeper(world, {
    node,
    server,
    home,
    diesHere: () => group.crashPointChance > 0 && server.random.chance(group.crashPointChance),
    onDeath: () => startKeeper(group, node, server.random.between(20, 3_000)),
  });
  group.keepers.set(node, keeper);
  group.nodes.push(node);
  keeper.begin();
}

/** Systemd, or a person, starts the keeper again. */
export function startKeeper(group: SimulatedGroup, node: NodeId, delayMs: number): void {
  group.world.clock.after(delayMs, () => {
    const keeper = group.keepers.get(node);
    if (keeper !== undefined && !keeper.process.isAlive) keeper.begin();
  });
}

/** Forgets the nodes that have left, once their servers are down. */
export function forgetLeft(group: SimulatedGroup): void {
  const { world, home, nodes, keepers } = group;
  // What a store that was lost or restored says of its nodes says nothing.
  if (home.isRestored) return;
  const left = nodes.filter(
    (node) =>
      findNode(home.store.stored.record, node) === undefined && world.servers.get(node)?.status === 'down',
  );
  for (const node of left) {
    keepers.get(node)?.kill();
    nodes.splice(nodes.indexOf(node), 1);
    keepers.delete(node);
  }
}
