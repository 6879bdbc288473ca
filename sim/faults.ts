import { mayGoOnAlone, satisfiesAllRules } from '../src/core/quorum.ts';
import * as requests from '../src/core/requests.ts';
import {
  ALL,
  ask,
  cutBoth,
  duration,
  during,
  healBoth,
  isComplete,
  isListening,
  mayLoseDisk,
  pickNode,
  serverOf,
  UNREST_MS,
  type Fault,
} from './fault-tools.ts';
import { UNSATISFIABLE_NAMES } from '../src/core/server-settings.ts';
import { addNode, startKeeper, type SimulatedGroup } from './group.ts';
import { LINK_FAULTS } from './link-faults.ts';
import { MACHINE_FAULTS, removeForeignData } from './machine-faults.ts';
import { MEMBER_FAULTS } from './member-faults.ts';
import { createRandom } from './random.ts';
import type { PlannedFault } from './schedule.ts';
import { loseStore, mayLoseStore } from './store-loss.ts';
import { STORE_FAULTS } from './store-faults.ts';
import { CLIENTS, MONITOR } from './virtual-network.ts';
import { isTakenByHand, type VirtualPostgres } from './virtual-postgres.ts';

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
    group.home.kill();
    during(group, duration(random), () => {
      if (!group.home.process.isAlive) group.home.begin();
    });
  },
  pause_monitor(group, random) {
    group.home.process.pauseUntil(group.world.clock.nowMs + duration(random));
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
    promoteByHand(group, serverOf(group, pickNode(group, random)));
  },
  /** Somebody thinks that pgbaton is not needed for this. */
  treat_by_hand(group, random) {
    const server = serverOf(group, pickNode(group, random));
    const laterMs = (): number => random.between(200, 2_000);
    server.stopFast();
    during(group, laterMs(), () => {
      if (server.data !== null && !server.hasSentinel) server.start('standby', 100);
      during(group, laterMs(), () => promoteByHand(group, server));
    });
  },
  names_by_hand(group, random) {
    const server = serverOf(group, pickNode(group, random));
    if (server.status === 'running' && server.role === 'primary') server.setNames(UNSATISFIABLE_NAMES);
  },
  fill_disk(group, random) {
    const server = serverOf(group, pickNode(group, random));
    const forMs = duration(random);
    Object.assign(server, { isDiskFull: true, isWalFull: random.chance(0.5) });
    during(group, forMs, () => Object.assign(server, { isDiskFull: false, isWalFull: false }));
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
  /** Something happens to the target in the middle of it. */
  spoil_switchover(group, random) {
    const target = random.pick(group.nodes);
    ask(group, (record, evidence) =>
      requests.requestSwitchover(record, evidence, { target, requestedBy: 'operator' }),
    );
    const server = serverOf(group, target);
    const spoil = random.pick([
      () => server.kill(true),
      () => promoteByHand(group, server),
      () => serverOf(group, pickNode(group, random)).kill(true),
      () => {
        group.keepers.get(target)?.kill();
        startKeeper(group, target, duration(random));
      },
    ]);
    during(group, random.between(10, 500), spoil);
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
    const { nodes, home } = group;
    const staying = home.store.stored.record.nodes.filter((each) => each.dropping === 'no');
    // A lost disk and a dropped node are two losses at once.
    if (staying.length < 3 || nodes.length > 5 || group.hasLostDisk) return;
    const node = random.pick(staying).id;
    const force = random.chance(0.3);
    ask(group, (record, evidence) => requests.dropNode(record, evidence, node, force));
    // Somebody puts another one in its place, sooner or later.
    during(group, duration(random), () => {
      if (isListening(group) && !home.isRestored && group.nodes.length < 6) addNode(group);
    });
  },
  lose_disk(group, random) {
    if (!mayLoseDisk(group)) return;
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
    if (mayLoseStore(group)) loseStore(group, undefined, duration(random));
  },
  restore_monitor(group, random) {
    if (!mayLoseStore(group)) return;
    const { past } = group.home.store;
    const copy = past[random.int(0, past.length - 1)];
    const since = past.slice(past.indexOf(copy!));
    // A primary that has gone on alone since need not be heard by a store that does not know of that: docs/limits.md.
    if (since.some(({ record }) => mayGoOnAlone(record))) return;
    loseStore(group, copy, duration(random));
  },
  number_sync(group, random) {
    const numberSyncStandbys = random.pick([0, 1, 1, 2]);
    ask(group, (record) => requests.updateSettings(record, { numberSyncStandbys }));
  },
  make_async(group) {
    group.isAsync = true;
    makeAsync(group, true);
  },
  /** `pgbaton set formation durability`, there and back. */
  change_durability(group, random) {
    const change = (): void =>
      ask(group, (record) => {
        const durability = record.settings.durability === 'async' ? 'quorum' : 'async';
        return requests.updateSettings(record, { durability });
      });
    change();
    during(group, duration(random), change);
  },
  ...MACHINE_FAULTS,
  ...LINK_FAULTS,
  ...STORE_FAULTS,
  ...MEMBER_FAULTS,
};

/** Nobody's flush is waited for, or everybody's counts again: `pgbaton set node replication-quorum`. */
function makeAsync(group: SimulatedGroup, isAsync: boolean): void {
  // What was asked for more copies than there are standbys now would stop all writes for ever.
  const numberSyncStandbys = isAsync ? 0 : null;
  const { settings, nodes } = group.home.store.stored.record;
  if (settings.numberSyncStandbys !== numberSyncStandbys)
    ask(group, (record) => requests.updateSettings(record, { numberSyncStandbys }));
  for (const { id, replicationQuorum } of nodes)
    if (replicationQuorum === isAsync)
      ask(group, (record) => requests.updateNode(record, id, { replicationQuorum: !isAsync }));
}

/** `pg_ctl promote`. */
function promoteByHand(group: SimulatedGroup, server: VirtualPostgres): void {
  // Not where it has the settings of a primary that may go on alone: that is two mistakes in a row.
  const { settings } = server;
  const wouldAcknowledge = settings?.synchronousStandbyNames === '' && !settings.readOnly;
  if (wouldAcknowledge || server.role !== 'standby' || isTakenByHand(group.world, server)) return;
  group.promotedByHand = true;
  server.promote('by hand');
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
  const { record } = group.home.store.stored;
  const holder = record.reign?.holder;
  if (holder === undefined || group.world.servers.get(holder)?.data !== null) return;
  const able = group.nodes.filter((node) => isComplete(serverOf(group, node)));
  if (satisfiesAllRules(record, able) || record.intent?.allowDataLoss === true) return;
  group.world.count('accepted an inevitable loss');
  acceptLoss(group);
}

/** Ends every fault at once: from now on the group must come back by itself. */
export function healAll(group: SimulatedGroup): void {
  const { world, home, nodes } = group;
  group.crashPointChance = 0;
  group.isHealed = true;
  world.network.healAll();
  Object.assign(home.store, { isDown: false, lostReplies: 0, rivals: 0 });
  home.diesHere = null;
  for (const place of [MONITOR, ...nodes]) world.clockOf(place).thaw();
  if (!home.process.isAlive) home.begin();
  home.process.resume();
  removeForeignData(group);
  for (const node of nodes) {
    serverOf(group, node).replay.release();
    Object.assign(serverOf(group, node), { isDiskFull: false, isWalFull: false });
    serverOf(group, node).diskHungUntilMs = 0;
    serverOf(group, node).process.resume();
    group.keepers.get(node)?.process.resume();
    startKeeper(group, node, 1);
  }
  world.clock.after(10, () => takeBackRequests(group));
}

/** What people asked for and would have to ask otherwise: no group gets out of that by itself. */
function takeBackRequests(group: SimulatedGroup): void {
  const { home } = group;
  // None is taken before the group has been recovered.
  if (!isListening(group) || home.isRestored || home.isAsked()) {
    group.world.clock.after(100, () => takeBackRequests(group));
    return;
  }
  // Nothing is asked for that is so already: each new version makes every keeper write its journal.
  for (const { id, maintenance, candidatePriority } of group.home.store.stored.record.nodes) {
    if (maintenance) ask(group, (record) => requests.disableMaintenance(record, id));
    if (candidatePriority !== 50)
      ask(group, (record) => requests.updateNode(record, id, { candidatePriority: 50 }));
  }
  makeAsync(group, group.isAsync);
  if (home.isAsked()) takeBackRequests(group);
  else group.isTakenBack = true;
}
