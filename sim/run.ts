import { elect } from '../src/core/election.ts';
import type { Evidence } from '../src/core/evidence.ts';
import {
  DEFAULT_SETTINGS,
  nameOf,
  type GroupRecord,
  type GroupSettings,
  type NodeId,
} from '../src/core/group-record.ts';
import { groupObstacles } from '../src/core/obstacles.ts';
import { assignedState, isSettled, reportedState } from '../src/core/state-names.ts';
import { createCheckers, type Violation } from './checkers.ts';
import { createClock } from './clock.ts';
import { acceptInevitableLoss, carryOut, healAll } from './faults.ts';
import type { Mutable } from './mutable.ts';
import { checkOldPrimaries } from './old-primaries.ts';
import { createGroup, forgetLeft, type SimulatedGroup } from './group.ts';
import { createLocalClock, type LocalClock } from './local-clock.ts';
import { createRandom, seedOf } from './random.ts';
import { CLIENT_COUNT, scenarioOf } from './scenario.ts';
import type { PlannedFault } from './schedule.ts';
import { createVirtualEtcd } from './virtual-etcd.ts';
import { createVirtualMonitor } from './virtual-monitor.ts';
import { createNetwork, type Place } from './virtual-network.ts';
import { STREAMS, type World } from './world.ts';
import { expectWrites, type WriteGap } from './write-gap.ts';

export interface RunOptions {
  readonly seed: number;
  readonly nodes: number;
  /** How long faults are injected, virtual ms. */
  readonly faultyMs: number;
  /** Faults that are left out. */
  readonly without: readonly string[];
  /** The faults, when they are not to be made from the seed. */
  readonly schedule?: readonly PlannedFault[];
  /** Commits wait for nobody; absent: for a quorum. */
  readonly durability?: 'async';
  /** Where the group's record lives; absent: in a monitor. */
  readonly store?: 'etcd';
  /** How many clients write; absent: 2. */
  readonly clients?: number;
  /** Told every line of the story; absent: no text is made. */
  readonly onTrace?: (line: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly counts: ReadonlyMap<string, number>;
  readonly gaps: readonly WriteGap[];
  readonly acknowledged: number;
  /** How many began, the first one included. */
  readonly reigns: number;
  readonly virtualMs: number;
  readonly events: number;
  /** From the end of the faults until the group was whole, virtual ms. */
  readonly convergedAfterMs: number | undefined;
}

const BRING_UP_MS = 60_000;
const CONVERGE_MS = 120_000;
const QUIET_MS = 15_000;
const LOOK_MS = 500;
const LOOK_AT_REST_MS = 2_000;

/** One life of a group: brought up, tormented, left in peace. */
export function runSeed(options: RunOptions): RunResult {
  const world = createWorld(options);
  const random = world.randomOf('settings');
  const createHome = options.store === 'etcd' ? createVirtualEtcd : createVirtualMonitor;
  const home = createHome(world, {
    ...DEFAULT_SETTINGS,
    // Clients write little here: with the default nobody would ever be too far behind.
    admissionLagBytes: 64 * 1024,
    detectionMs: random.pick([1_000, 3_000]),
    absentMs: random.pick([15_000, 300_000]),
    handoverMs: random.pick([5_000, 30_000]),
    crashFailovers: random.pick([0, 2, 100]),
    ...(options.durability === 'async' ? asyncSettings(world) : {}),
  });
  const group = createGroup(world, options.nodes, options.clients ?? CLIENT_COUNT, home);
  world.checkers.isAsync = options.durability === 'async';
  const { schedule } = scenarioOf(options);
  let convergedAfterMs: number | undefined;
  try {
    convergedAfterMs = live(group, schedule, options.faultyMs);
  } catch (thrown) {
    world.checkers.fail(
      'I28 decide and plan are total',
      thrown instanceof Error ? `${thrown.stack}` : String(thrown),
    );
  }
  return {
    seed: options.seed,
    violation: world.checkers.violation,
    counts: world.counts,
    gaps: group.gaps,
    acknowledged: group.clients.acknowledged,
    reigns: group.reigns,
    virtualMs: world.clock.nowMs,
    events: world.clock.eventsRun,
    convergedAfterMs,
  };
}

/** From a stream of chance of their own: the lives of other groups stay what they were. */
function asyncSettings(world: World): Partial<GroupSettings> {
  const random = world.randomOf('policies');
  return {
    durability: 'async',
    maximumLagOnFailover: random.pick([16 * 1024, 1024 * 1024]),
    leaseMs: random.pick([3_000, 6_000]),
  };
}

function createWorld({
  seed,
  onTrace,
}: RunOptions): World & { readonly counts: ReadonlyMap<string, number> } {
  const clock = createClock();
  const counts = new Map<string, number>();
  const clocks = new Map<Place, LocalClock>();
  const servers: World['servers'] = new Map();
  const randomOf: World['randomOf'] = (stream, node = 0) =>
    createRandom(seedOf(seed, STREAMS[stream] + node));
  const self: Mutable<World> & { readonly counts: ReadonlyMap<string, number> } = {
    clock,
    counts,
    randomOf,
    clockOf(place) {
      let local = clocks.get(place);
      if (local === undefined) clocks.set(place, (local = createLocalClock(clock)));
      return local;
    },
    network: createNetwork(clock, (place) => randomOf('network', place)),
    checkers: createCheckers(clock, servers),
    servers,
    onUnrest: () => undefined,
    unrestUntilMs: 0,
    stir(forMs) {
      const wasAtRest = self.unrestUntilMs <= clock.nowMs;
      self.unrestUntilMs = Math.max(self.unrestUntilMs, clock.nowMs + forMs);
      if (wasAtRest) self.onUnrest();
    },
    count: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    trace(who, what) {
      if (onTrace !== undefined)
        onTrace(`${(clock.nowMs / 1_000).toFixed(3).padStart(9)} ${who.padEnd(8)} ${what()}`);
    },
  };
  return self;
}

function live(
  group: SimulatedGroup,
  schedule: readonly PlannedFault[],
  faultyMs: number,
): number | undefined {
  const { checkers } = group.world;
  if (converge(group, BRING_UP_MS) === undefined) {
    checkers.fail('I26 a group comes up', describe(group));
    return undefined;
  }
  torment(group, schedule, faultyMs);
  return checkers.isOver ? undefined : recover(group);
}

function torment(group: SimulatedGroup, schedule: readonly PlannedFault[], faultyMs: number): void {
  const { clock, checkers } = group.world;
  const beganMs = clock.nowMs;
  const endMs = beganMs + faultyMs;
  let next = 0;
  while (clock.nowMs < endMs && !checkers.isOver) {
    const dueMs = beganMs + (schedule[next]?.atMs ?? faultyMs);
    const lookMs = clock.nowMs < group.world.unrestUntilMs ? LOOK_MS : LOOK_AT_REST_MS;
    clock.runUntil(Math.min(dueMs, endMs, clock.nowMs + lookMs));
    if (checkers.isOver || clock.nowMs >= endMs) return;
    forgetLeft(group);
    checkOldPrimaries(group);
    for (; next < schedule.length && clock.nowMs >= beganMs + schedule[next]!.atMs; next++)
      inflict(group, schedule, next);
  }
}

function inflict(group: SimulatedGroup, schedule: readonly PlannedFault[], index: number): void {
  const fault = schedule[index]!;
  const nextInMs = (schedule[index + 1]?.atMs ?? Infinity) - fault.atMs;
  const expectWithin = expectWrites(group, fault, nextInMs);
  carryOut(group, fault);
  expectWithin?.();
}

/** After the faults: the group comes back within bounded time, and then leaves the store alone. */
function recover(group: SimulatedGroup): number | undefined {
  const { world, home, nodes } = group;
  const { clock, checkers } = world;
  world.trace('fault', () => 'everything is healed');
  healAll(group);
  // A monitor that waits for its store hears of it some seconds later.
  const patientUntilMs = clock.nowMs + CONVERGE_MS;
  while (!group.isTakenBack && !checkers.isOver && clock.nowMs < patientUntilMs)
    clock.runUntil(clock.nowMs + LOOK_MS);
  const healedAtMs = clock.nowMs;
  const settledAtMs = converge(group, CONVERGE_MS);
  if (checkers.isOver) return undefined;
  if (settledAtMs === undefined) {
    checkers.fail('I26 a healed group comes back', describe(group));
    return undefined;
  }
  const { version } = home.store.stored;
  const acknowledged = group.clients.acknowledged;
  const last = checkers.lastAcknowledged();
  clock.runUntil(clock.nowMs + QUIET_MS);
  world.stir(LOOK_MS);
  clock.runUntil(clock.nowMs + LOOK_MS);
  if (home.store.stored.version !== version)
    checkers.fail(
      'I33 a quiet group writes nothing to the store',
      `${home.store.stored.version - version} swaps`,
    );
  if (group.clients.acknowledged === acknowledged)
    checkers.fail('I26 a whole group takes writes', describe(group));
  for (const node of nodes) {
    const wal = world.servers.get(node)?.data?.wal ?? [];
    if (last !== undefined && wal[last.index] !== last)
      checkers.fail('I1 every node has every acknowledged commit in the end', `n${node} does not`);
  }
  return settledAtMs - healedAtMs;
}

/** Runs until the group is whole; undefined: it was not in time. */
function converge(group: SimulatedGroup, withinMs: number): number | undefined {
  const { clock, checkers } = group.world;
  const endMs = clock.nowMs + withinMs;
  while (clock.nowMs < endMs && !checkers.isOver) {
    group.world.stir(2 * LOOK_MS);
    clock.runUntil(clock.nowMs + LOOK_MS);
    forgetLeft(group);
    if (isWhole(group)) return clock.nowMs;
    if (clock.nowMs > endMs - withinMs / 2) acceptInevitableLoss(group);
  }
  return undefined;
}

function isWhole(group: SimulatedGroup): boolean {
  const { home, world } = group;
  const { record } = home.store.stored;
  if (!home.process.isAlive || home.isRestored || record.intent !== null || record.rules.length !== 1)
    return false;
  if (record.reign?.confirmed !== true || world.clock.nowMs - group.clients.lastAcknowledgedMs > 2_000)
    return false;
  const { holder, term } = record.reign;
  const follows = (node: NodeId): boolean => {
    const receiver = world.servers.get(node)?.receiver;
    return node === holder || (receiver?.upstream === holder && receiver.term === term);
  };
  if (!group.nodes.every(follows)) return false;
  const votes = record.rules[0]?.cohort.length === (group.isAsync ? 1 : group.nodes.length);
  return votes && home.views().every((view) => seesWhole(record, view));
}

/** Who decides has seen it too: else it may still take somebody out who has just come back. */
function seesWhole(record: GroupRecord, { reports, notStreaming }: Evidence): boolean {
  if (reports.some(({ ageMs }) => ageMs > 1_000) || notStreaming.some(({ ageMs }) => ageMs > 700))
    return false;
  return isSettled(
    record,
    reports.map(({ report }) => report),
  );
}

/** Where the group stands, for whoever reads a failure. */
function describe(group: SimulatedGroup): string {
  const { home } = group;
  const { record } = home.store.stored;
  const evidence = home.evidence();
  const nodes = record.nodes.map((node) => {
    const report = evidence.reports.find((each) => each.report.node === node.id)?.report;
    const { status, role, position } = report?.postgres ?? {};
    const reported = reportedState(record, report);
    return `${nameOf(record, node.id)} ${reported}/${assignedState(record, node.id)} ${status} ${role} ${position?.timeline}:${position?.lsn} pledge ${report?.pledge?.term ?? '-'} problem ${report?.problem ?? '-'}`;
  });
  const { reign, intent } = record;
  return [
    `term ${reign?.term} of node ${reign?.holder} on timeline ${reign?.timeline}, ${reign?.confirmed ? 'confirmed' : 'not confirmed'}; intent ${JSON.stringify(intent)}; rules ${JSON.stringify(record.rules)}`,
    ...(intent === null ? [] : [`election: ${elect(record, intent, evidence).because}`]),
    ...nodes,
    ...groupObstacles(record, evidence),
  ].join('\n    ');
}
