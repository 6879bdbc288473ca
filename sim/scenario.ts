import { FAULTS } from './faults.ts';
import { MEMBER_FAULTS } from './member-faults.ts';
import { createRandom, seedOf } from './random.ts';
import type { RunOptions } from './run.ts';
import { makeSchedule, type PlannedFault } from './schedule.ts';
import { STREAMS } from './world.ts';

/**
 * One run with its faults spelled out: what is kept of a failure, and what the
 * shrinking works on. Settings, delays and everything else that is no fault
 * still follow from the seed.
 */
export interface Scenario {
  /** Of a kept one: the fix in sim/mutants/fixes.ts without which it breaks. */
  readonly foundWithout?: string;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  readonly faultyMs: number;
  readonly schedule: readonly PlannedFault[];
  readonly durability?: 'async';
  readonly store?: 'etcd';
}

export const CLIENT_COUNT = 2;

/**
 * Where no quorum fences, nothing does what these undo: a machine that stands
 * still and goes on can't end its server in between, a store that has lost its
 * leases, and people who promote or accept a loss (docs/limits.md).
 */
const NOT_FOR_ASYNC: readonly string[] = [
  'pause_host',
  'suspend_host',
  'accept_loss',
  'lose_monitor_disk',
  'restore_monitor',
  'promote_by_hand',
  'treat_by_hand',
  'spoil_switchover',
  'number_sync',
  'make_async',
];

/** What the checkers of a group with a quorum would not understand. */
const FOR_ASYNC_ONLY: readonly string[] = ['change_durability'];

/** The loss of an etcd is not simulated. */
const NOT_FOR_ETCD: readonly string[] = ['lose_monitor_disk', 'restore_monitor'];

/** What follows from these options. */
export function scenarioOf(options: RunOptions): Scenario {
  const { seed, nodes, faultyMs, without, durability, store } = options;
  const off = [
    ...(durability === 'async' ? NOT_FOR_ASYNC : FOR_ASYNC_ONLY),
    ...(store === 'etcd' ? NOT_FOR_ETCD : Object.keys(MEMBER_FAULTS)),
  ];
  const kinds = Object.keys(FAULTS).filter((kind) => !without.includes(kind) && !off.includes(kind));
  const schedule =
    options.schedule ?? makeSchedule(createRandom(seedOf(seed, STREAMS.schedule)), kinds, faultyMs);
  return {
    seed,
    nodes,
    clients: options.clients ?? CLIENT_COUNT,
    faultyMs,
    schedule,
    ...(durability === undefined ? {} : { durability }),
    ...(store === undefined ? {} : { store }),
  };
}
