import type { Evidence } from '../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import * as requests from '../src/core/requests.ts';
import { CLIENTS, MONITOR } from './virtual-network.ts';
import type { VirtualKeeper } from './virtual-keeper.ts';
import type { VirtualMonitor } from './virtual-monitor.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';

export interface FaultContext {
  readonly world: World;
  readonly nodes: readonly NodeId[];
  readonly monitor: VirtualMonitor;
  readonly keepers: ReadonlyMap<NodeId, VirtualKeeper>;
  /** How often a keeper dies at a crash point; set by a fault, cleared at the end. */
  crashPointChance: number;
  /** The faults are over: what one of them would still do later is not done. */
  isHealed: boolean;
  promotedByHand: boolean;
}

type Fault = (context: FaultContext) => void;

const ALL = (nodes: readonly NodeId[]): readonly number[] => [CLIENTS, MONITOR, ...nodes];

function serverOf({ world }: FaultContext, node: NodeId): VirtualPostgres {
  const server = world.servers.get(node);
  if (server === undefined) throw new Error(`no server of node ${node}`);
  return server;
}

/** More often the primary than chance would have it: that is where the trouble is. */
function pickNode(context: FaultContext): NodeId {
  const holder = context.monitor.stored.record.reign?.holder;
  const { random } = context.world;
  return holder !== undefined && random.chance(0.4) ? holder : random.pick(context.nodes);
}

/** Most faults are short, some outlast every time-out. */
function duration({ world: { random } }: FaultContext): number {
  return random.chance(0.3) ? random.between(8_000, 40_000) : random.between(50, 6_000);
}

function during(context: FaultContext, takesMs: number, end: () => void): void {
  context.world.clock.after(takesMs, () => {
    if (!context.isHealed) end();
  });
}

export function startKeeper(context: FaultContext, node: NodeId, delayMs: number): void {
  context.world.clock.after(delayMs, () => {
    const keeper = context.keepers.get(node);
    if (keeper !== undefined && !keeper.process.isAlive) keeper.begin();
  });
}

function cutBoth(context: FaultContext, a: number, b: number): void {
  context.world.network.cut(a, b);
  context.world.network.cut(b, a);
}

function healBoth(context: FaultContext, a: number, b: number): void {
  context.world.network.heal(a, b);
  context.world.network.heal(b, a);
}

function ask(
  context: FaultContext,
  what: (record: GroupRecord, evidence: Evidence) => requests.Answer,
): void {
  const { monitor, world } = context;
  if (!monitor.process.isAlive || monitor.process.pausedUntilMs > world.clock.nowMs) return;
  const answer = monitor.request(what);
  world.count(`request ${answer.kind}`);
}

/** Everything that may go wrong, and everything that people do at the worst moment. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  kill_postgres(context) {
    serverOf(context, pickNode(context)).kill(true);
  },
  kill_keeper(context) {
    const node = pickNode(context);
    context.keepers.get(node)?.kill();
    startKeeper(context, node, duration(context));
  },
  kill_keeper_and_postgres(context) {
    const node = pickNode(context);
    context.keepers.get(node)?.kill();
    serverOf(context, node).kill(true);
    startKeeper(context, node, duration(context));
  },
  lose_host(context) {
    const node = pickNode(context);
    const others = ALL(context.nodes).filter((place) => place !== node);
    for (const other of others) cutBoth(context, node, other);
    context.keepers.get(node)?.kill();
    serverOf(context, node).kill(false);
    const takesMs = duration(context) + 3_000;
    during(context, takesMs, () => {
      for (const other of others) healBoth(context, node, other);
    });
    startKeeper(context, node, takesMs + 10);
  },
  pause_host(context) {
    const node = pickNode(context);
    const untilMs = context.world.clock.nowMs + duration(context);
    context.keepers.get(node)?.process.pauseUntil(untilMs);
    serverOf(context, node).process.pauseUntil(untilMs);
  },
  pause_keeper(context) {
    context.keepers.get(pickNode(context))?.process.pauseUntil(context.world.clock.nowMs + duration(context));
  },
  kill_monitor(context) {
    context.monitor.kill();
    during(context, duration(context), () => {
      if (!context.monitor.process.isAlive) context.monitor.begin();
    });
  },
  pause_monitor(context) {
    context.monitor.process.pauseUntil(context.world.clock.nowMs + duration(context));
  },
  isolate_node(context) {
    const node = pickNode(context);
    const others = ALL(context.nodes).filter((place) => place !== node);
    for (const other of others) cutBoth(context, node, other);
    during(context, duration(context), () => {
      for (const other of others) healBoth(context, node, other);
    });
  },
  cut_pair(context) {
    const places = ALL(context.nodes).filter((place) => place !== CLIENTS);
    const [a, b] = [context.world.random.pick(places), context.world.random.pick(places)];
    cutBoth(context, a, b);
    during(context, duration(context), () => healBoth(context, a, b));
  },
  cut_one_way(context) {
    const places = ALL(context.nodes).filter((place) => place !== CLIENTS);
    const [from, to] = [context.world.random.pick(places), context.world.random.pick(places)];
    context.world.network.cut(from, to);
    during(context, duration(context), () => context.world.network.heal(from, to));
  },
  isolate_monitor(context) {
    for (const node of context.nodes) cutBoth(context, MONITOR, node);
    during(context, duration(context), () => {
      for (const node of context.nodes) healBoth(context, MONITOR, node);
    });
  },
  slow_network(context) {
    context.world.network.slowDown(context.world.random.between(10, 400));
    during(context, duration(context), () => context.world.network.slowDown(1));
  },
  crash_points(context) {
    context.crashPointChance = context.world.random.between(0.02, 0.3);
    during(context, duration(context), () => (context.crashPointChance = 0));
  },
  stop_by_hand(context) {
    serverOf(context, pickNode(context)).stopFast();
  },
  start_by_hand(context) {
    const node = pickNode(context);
    const server = serverOf(context, node);
    if (server.data !== null && !server.hasSentinel) server.start('standby', 100);
  },
  promote_by_hand(context) {
    const server = serverOf(context, pickNode(context));
    // Nor where it still has the settings of a primary that may go on alone: that is two mistakes in a row.
    const wouldAcknowledge = server.settings?.synchronousStandbyNames === '';
    if (context.promotedByHand || wouldAcknowledge || server.role !== 'standby') return;
    // Once in a run: two servers that people promote from one point to one number can't be told apart.
    if (isNumberReserved(context, server)) return;
    context.promotedByHand = true;
    server.promote('by hand');
  },
  promote_twin_by_hand(context) {
    const server = serverOf(context, pickNode(context));
    if (server.role !== 'standby' || !isNumberReserved(context, server)) return;
    server.promote('by hand');
  },
  switchover(context) {
    const target = context.world.random.chance(0.5) ? null : context.world.random.pick(context.nodes);
    ask(context, (record, evidence) =>
      requests.requestSwitchover(record, evidence, { target, requestedBy: 'operator' }),
    );
  },
  failover(context) {
    const target = context.world.random.chance(0.5) ? null : context.world.random.pick(context.nodes);
    ask(context, (record, evidence) =>
      requests.requestFailover(record, evidence, { target, requestedBy: 'operator', allowDataLoss: false }),
    );
  },
  maintenance(context) {
    const node = pickNode(context);
    ask(context, (record, evidence) => requests.enableMaintenance(record, evidence, node, true));
    during(context, duration(context), () =>
      ask(context, (record) => requests.disableMaintenance(record, node)),
    );
  },
  candidate_priority(context) {
    const node = pickNode(context);
    const candidatePriority = context.world.random.pick([0, 50, 50, 90]);
    ask(context, (record) => requests.updateNode(record, node, { candidatePriority }));
  },
  replication_quorum(context) {
    const node = pickNode(context);
    ask(context, (record) => requests.updateNode(record, node, { replicationQuorum: false }));
    during(context, duration(context), () =>
      ask(context, (record) => requests.updateNode(record, node, { replicationQuorum: true })),
    );
  },
  number_sync(context) {
    const numberSyncStandbys = context.world.random.pick([0, 1, 1, 2]);
    ask(context, (record) => requests.updateSettings(record, { numberSyncStandbys }));
  },
};

/**
 * What the core is known not to survive yet: a promotion by hand onto the very
 * number that a reign has reserved and not begun to use. Left out unless asked for.
 */
export const KNOWN_HOLES: readonly string[] = ['promote_twin_by_hand'];

/** Whether a promotion by hand would take the number of a reign. */
function isNumberReserved({ monitor }: FaultContext, server: VirtualPostgres): boolean {
  const { record } = monitor.stored;
  const next = (server.data?.wal.at(-1)?.timeline.id ?? 0) + 1;
  return record.reign?.timeline === next || record.pastReigns.some((reign) => reign.timeline === next);
}

/** Ends every fault at once: from now on the group must come back by itself. */
export function healAll(context: FaultContext): void {
  const { world, monitor, nodes } = context;
  context.crashPointChance = 0;
  context.isHealed = true;
  world.network.healAll();
  if (!monitor.process.isAlive) monitor.begin();
  monitor.process.resume();
  for (const node of nodes) {
    serverOf(context, node).process.resume();
    context.keepers.get(node)?.process.resume();
    startKeeper(context, node, 1);
  }
  world.clock.after(10, () => {
    for (const node of nodes) {
      ask(context, (record) => requests.disableMaintenance(record, node));
      ask(context, (record) =>
        requests.updateNode(record, node, { replicationQuorum: true, candidatePriority: 50 }),
      );
    }
  });
}
