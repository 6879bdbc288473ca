import type { Evidence } from '../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import { mayGoOnAlone, satisfiesAllRules } from '../src/core/quorum.ts';
import * as requests from '../src/core/requests.ts';
import { addNode, startKeeper, type SimulatedGroup } from './group.ts';
import { CLIENTS, MONITOR } from './virtual-network.ts';
import { createRandom, type Random } from './random.ts';
import type { PlannedFault } from './schedule.ts';
import { isListening, loseStore, mayLoseStore } from './store-loss.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';

type Fault = (group: SimulatedGroup, random: Random) => void;

const ALL = (nodes: readonly NodeId[]): readonly number[] => [CLIENTS, MONITOR, ...nodes];

function serverOf({ world }: SimulatedGroup, node: NodeId): VirtualPostgres {
  const server = world.servers.get(node);
  if (server === undefined) throw new Error(`no server of node ${node}`);
  return server;
}

/** More often the primary than chance would have it: that is where the trouble is. */
function pickNode(group: SimulatedGroup, random: Random): NodeId {
  const holder = group.monitor.stored.record.reign?.holder;
  return holder !== undefined && random.chance(0.4) ? holder : random.pick(group.nodes);
}

/** Most faults are short, some outlast every time-out. */
function duration(random: Random): number {
  return random.chance(0.3) ? random.between(8_000, 40_000) : random.between(50, 6_000);
}

function during(group: SimulatedGroup, takesMs: number, end: () => void): void {
  group.world.clock.after(takesMs, () => {
    if (group.isHealed) return;
    group.world.stir(UNREST_MS);
    end();
  });
}

function cutBoth(group: SimulatedGroup, a: number, b: number): void {
  group.world.network.cut(a, b);
  group.world.network.cut(b, a);
}

function healBoth(group: SimulatedGroup, a: number, b: number): void {
  group.world.network.heal(a, b);
  group.world.network.heal(b, a);
}

function ask(
  group: SimulatedGroup,
  what: (record: GroupRecord, evidence: Evidence) => requests.Answer,
): void {
  if (!isListening(group)) return;
  const answer = group.monitor.request(what);
  group.world.count(`request ${answer.kind}`);
}

/** For how long clients look closely after a fault has begun or ended, ms. */
const UNREST_MS = 3_000;

/** Lets a fault of the schedule happen. */
export function carryOut(group: SimulatedGroup, { kind, seed }: PlannedFault): void {
  const { world } = group;
  world.stir(UNREST_MS);
  world.count(`fault ${kind}`);
  world.trace('fault', () => kind);
  FAULTS[kind]?.(group, createRandom(seed));
}

/** Everything that may go wrong, and everything that people do at the worst moment. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  kill_postgres(group, random) {
    serverOf(group, pickNode(group, random)).kill(true);
  },
  kill_keeper(group, random) {
    const node = pickNode(group, random);
    group.keepers.get(node)?.kill();
    startKeeper(group, node, duration(random));
  },
  kill_keeper_and_postgres(group, random) {
    const node = pickNode(group, random);
    group.keepers.get(node)?.kill();
    serverOf(group, node).kill(true);
    startKeeper(group, node, duration(random));
  },
  lose_host(group, random) {
    const node = pickNode(group, random);
    const others = ALL(group.nodes).filter((place) => place !== node);
    for (const other of others) cutBoth(group, node, other);
    group.keepers.get(node)?.kill();
    serverOf(group, node).kill(false);
    const takesMs = duration(random) + 3_000;
    during(group, takesMs, () => {
      for (const other of others) healBoth(group, node, other);
    });
    startKeeper(group, node, takesMs + 10);
  },
  pause_host(group, random) {
    const node = pickNode(group, random);
    const untilMs = group.world.clock.nowMs + duration(random);
    group.keepers.get(node)?.process.pauseUntil(untilMs);
    serverOf(group, node).process.pauseUntil(untilMs);
  },
  hang_postgres(group, random) {
    serverOf(group, pickNode(group, random)).process.pauseUntil(group.world.clock.nowMs + duration(random));
  },
  pause_keeper(group, random) {
    group.keepers
      .get(pickNode(group, random))
      ?.process.pauseUntil(group.world.clock.nowMs + duration(random));
  },
  kill_monitor(group, random) {
    group.monitor.kill();
    during(group, duration(random), () => {
      if (!group.monitor.process.isAlive) group.monitor.begin();
    });
  },
  pause_monitor(group, random) {
    group.monitor.process.pauseUntil(group.world.clock.nowMs + duration(random));
  },
  isolate_node(group, random) {
    const node = pickNode(group, random);
    const others = ALL(group.nodes).filter((place) => place !== node);
    for (const other of others) cutBoth(group, node, other);
    during(group, duration(random), () => {
      for (const other of others) healBoth(group, node, other);
    });
  },
  cut_pair(group, random) {
    const places = ALL(group.nodes).filter((place) => place !== CLIENTS);
    const [a, b] = [random.pick(places), random.pick(places)];
    cutBoth(group, a, b);
    during(group, duration(random), () => healBoth(group, a, b));
  },
  cut_one_way(group, random) {
    const places = ALL(group.nodes).filter((place) => place !== CLIENTS);
    const [from, to] = [random.pick(places), random.pick(places)];
    group.world.network.cut(from, to);
    during(group, duration(random), () => group.world.network.heal(from, to));
  },
  isolate_monitor(group, random) {
    for (const node of group.nodes) cutBoth(group, MONITOR, node);
    during(group, duration(random), () => {
      for (const node of group.nodes) healBoth(group, MONITOR, node);
    });
  },
  slow_network(group, random) {
    group.world.network.slowDown(random.between(10, 400));
    during(group, duration(random), () => group.world.network.slowDown(1));
  },
  crash_points(group, random) {
    group.crashPointChance = random.between(0.02, 0.3);
    during(group, duration(random), () => (group.crashPointChance = 0));
  },
  stop_by_hand(group, random) {
    serverOf(group, pickNode(group, random)).stopFast();
  },
  start_by_hand(group, random) {
    const node = pickNode(group, random);
    const server = serverOf(group, node);
    if (server.data !== null && !server.hasSentinel) server.start('standby', 100);
  },
  promote_by_hand(group, random) {
    const server = serverOf(group, pickNode(group, random));
    // Nor where it still has the settings of a primary that may go on alone: that is two mistakes in a row.
    const wouldAcknowledge = server.settings?.synchronousStandbyNames === '';
    if (group.promotedByHand || wouldAcknowledge || server.role !== 'standby') return;
    // Once in a run: two servers that people promote from one point to one number can't be told apart.
    if (isNumberReserved(group, server)) return;
    group.promotedByHand = true;
    server.promote('by hand');
  },
  promote_twin_by_hand(group, random) {
    const server = serverOf(group, pickNode(group, random));
    if (server.role !== 'standby' || !isNumberReserved(group, server)) return;
    server.promote('by hand');
  },
  fill_disk(group, random) {
    const server = serverOf(group, pickNode(group, random));
    server.isDiskFull = true;
    during(group, duration(random), () => (server.isDiskFull = false));
  },
  hang_disk(group, random) {
    serverOf(group, pickNode(group, random)).diskHungUntilMs = group.world.clock.nowMs + duration(random);
  },
  cancel_commits(group, random) {
    serverOf(group, pickNode(group, random)).cancelCommits();
  },
  switchover(group, random) {
    const target = random.chance(0.5) ? null : random.pick(group.nodes);
    ask(group, (record, evidence) =>
      requests.requestSwitchover(record, evidence, { target, requestedBy: 'operator' }),
    );
  },
  failover(group, random) {
    const target = random.chance(0.5) ? null : random.pick(group.nodes);
    ask(group, (record, evidence) =>
      requests.requestFailover(record, evidence, { target, requestedBy: 'operator', allowDataLoss: false }),
    );
  },
  maintenance(group, random) {
    const node = pickNode(group, random);
    ask(group, (record, evidence) => requests.enableMaintenance(record, evidence, node, true));
    during(group, duration(random), () => ask(group, (record) => requests.disableMaintenance(record, node)));
  },
  candidate_priority(group, random) {
    const node = pickNode(group, random);
    const candidatePriority = random.pick([0, 50, 50, 90]);
    ask(group, (record) => requests.updateNode(record, node, { candidatePriority }));
  },
  replication_quorum(group, random) {
    const node = pickNode(group, random);
    ask(group, (record) => requests.updateNode(record, node, { replicationQuorum: false }));
    during(group, duration(random), () =>
      ask(group, (record) => requests.updateNode(record, node, { replicationQuorum: true })),
    );
  },
  drop_node(group, random) {
    const { nodes, monitor } = group;
    const staying = monitor.stored.record.nodes.filter((each) => each.dropping === 'no');
    // A lost disk and a dropped node are two losses at once.
    if (staying.length < 3 || nodes.length > 5 || group.hasLostDisk) return;
    const node = random.pick(staying).id;
    const force = random.chance(0.3);
    ask(group, (record, evidence) => requests.dropNode(record, evidence, node, force));
    // Somebody puts another one in its place, sooner or later.
    during(group, duration(random), () => {
      if (isListening(group) && !monitor.isRestored && group.nodes.length < 6) addNode(group);
    });
  },
  lose_disk(group, random) {
    const { record } = group.monitor.stored;
    // Once in a run, and never where a commit may stand on one copy only.
    const isWhole = group.nodes.every((node) => isComplete(serverOf(group, node)));
    const isSettled = record.nodes.every((node) => node.dropping === 'no' && !node.maintenance);
    const standsOnTwo = record.rules.every((rule) => rule.k > 0) && record.intent === null;
    if (group.hasLostDisk || !isWhole || !isSettled || !standsOnTwo) return;
    group.hasLostDisk = true;
    const node = pickNode(group, random);
    const server = serverOf(group, node);
    group.keepers.get(node)?.kill();
    server.kill(true);
    server.data = null;
    server.hasSentinel = false;
    startKeeper(group, node, duration(random));
  },
  accept_loss(group, random) {
    if (random.chance(0.1) && isListening(group)) acceptLoss(group);
  },
  lose_monitor_disk(group, random) {
    if (mayLoseStore(group)) loseStore(group, undefined, duration(random), resetPolicies);
  },
  restore_monitor(group, random) {
    if (!mayLoseStore(group)) return;
    const { past } = group.monitor;
    const copy = past[random.int(0, past.length - 1)];
    const since = past.slice(past.indexOf(copy!));
    // A primary that has gone on alone since need not be heard by a store that does not know of that: docs/limits.md.
    if (since.some(({ record }) => mayGoOnAlone(record))) return;
    loseStore(group, copy, duration(random), resetPolicies);
  },
  number_sync(group, random) {
    const numberSyncStandbys = random.pick([0, 1, 1, 2]);
    ask(group, (record) => requests.updateSettings(record, { numberSyncStandbys }));
  },
};

/**
 * What the core is known not to survive yet: a promotion by hand onto the very
 * number that a reign has reserved and not begun to use. Left out unless asked for.
 */
export const TWIN = 'promote_twin_by_hand';
export const KNOWN_HOLES: readonly string[] = [TWIN];

/** An unfinished copy is no copy yet. */
function isComplete({ data, hasSentinel }: VirtualPostgres): boolean {
  return data !== null && !hasSentinel && data.needed <= data.flushed;
}

/** Whether a promotion by hand would take the number of a reign. */
function isNumberReserved({ monitor }: SimulatedGroup, server: VirtualPostgres): boolean {
  const { record } = monitor.stored;
  const next = (server.data?.wal.at(-1)?.timeline.id ?? 0) + 1;
  return record.reign?.timeline === next || record.pastReigns.some((reign) => reign.timeline === next);
}

/** `pgbaton perform failover --allow-data-loss`. */
function acceptLoss(group: SimulatedGroup): void {
  ask(group, (record, evidence) => {
    const answer = requests.requestFailover(record, evidence, {
      target: null,
      requestedBy: 'operator',
      allowDataLoss: true,
    });
    if (answer.kind === 'accepted' && answer.next.intent?.allowDataLoss === true)
      group.world.checkers.acceptLoss();
    return answer;
  });
}

/**
 * What `pgbaton why` advises where the disk of the primary is gone and the
 * group had decided, before it heard of that, that the primary may go on
 * alone: nobody can prove any more that it did not, so only a person can go on.
 */
export function acceptInevitableLoss(group: SimulatedGroup): void {
  const { record } = group.monitor.stored;
  const holder = record.reign?.holder;
  if (holder === undefined || group.world.servers.get(holder)?.data !== null) return;
  const able = group.nodes.filter((node) => isComplete(serverOf(group, node)));
  if (satisfiesAllRules(record, able) || record.intent?.allowDataLoss === true) return;
  group.world.count('accepted an inevitable loss');
  acceptLoss(group);
}

/** Ends every fault at once: from now on the group must come back by itself. */
export function healAll(group: SimulatedGroup): void {
  const { world, monitor, nodes } = group;
  group.crashPointChance = 0;
  group.isHealed = true;
  world.network.healAll();
  if (!monitor.process.isAlive) monitor.begin();
  monitor.process.resume();
  for (const node of nodes) {
    serverOf(group, node).isDiskFull = false;
    serverOf(group, node).diskHungUntilMs = 0;
    serverOf(group, node).process.resume();
    group.keepers.get(node)?.process.resume();
    startKeeper(group, node, 1);
  }
  world.clock.after(10, () => resetPolicies(group));
}

/** What people have asked for at the worst moment is taken back, once the monitor takes requests. */
function resetPolicies(group: SimulatedGroup): void {
  const { monitor, nodes } = group;
  // It takes none before the group has been recovered.
  if (monitor.isRestored) return;
  for (const node of nodes) {
    ask(group, (record) => requests.disableMaintenance(record, node));
    ask(group, (record) =>
      requests.updateNode(record, node, { replicationQuorum: true, candidatePriority: 50 }),
    );
  }
  // What was asked for more copies than there are standbys now would stop all writes for ever.
  ask(group, (record) => requests.updateSettings(record, { numberSyncStandbys: null }));
}
