import type { NodeId } from '../src/core/group-record.ts';
import type { Checkers } from './checkers.ts';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';
import type { LocalClock } from './local-clock.ts';
import type { Place, VirtualNetwork } from './virtual-network.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';

/** What every part of a simulated group shares. */
export interface World {
  readonly clock: Clock;
  /** A stream of chance of its own for each part of the world. */
  randomOf(stream: Stream, node?: NodeId): Random;
  /** The clock of the machine at a place. */
  clockOf(place: Place): LocalClock;
  readonly network: VirtualNetwork;
  readonly checkers: Checkers;
  readonly servers: Map<NodeId, VirtualPostgres>;
  /** Until then something is the matter: clients write densely around faults, and seldom otherwise. */
  readonly unrestUntilMs: number;
  stir(forMs: number): void;
  /** Told when a time of rest is over. */
  onUnrest: () => void;
  /** How many times each thing happened: faults, rules, actions. */
  count(what: string): void;
  /** A line of the story; the text is only made when somebody reads it. */
  trace(who: string, what: () => string): void;
}

export type Stream = keyof typeof STREAMS;

/** Numbers far enough apart that nodes can be added to them. */
export const STREAMS = {
  settings: 1_000,
  schedule: 2_000,
  network: 3_000,
  clients: 4_000,
  servers: 5_000,
  store: 6_000,
  policies: 7_000,
  people: 8_000,
  home: 9_000,
} as const;
