import type { NodeId } from '../src/core/group-record.ts';
import type { Checkers } from './checkers.ts';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';
import type { VirtualNetwork } from './virtual-network.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';

/** What every part of a simulated group shares. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: VirtualNetwork;
  readonly checkers: Checkers;
  readonly servers: Map<NodeId, VirtualPostgres>;
  /** How many times each thing happened: faults, rules, actions. */
  count(what: string): void;
  /** A line of the story; the text is only made when somebody reads it. */
  trace(who: string, what: () => string): void;
}
