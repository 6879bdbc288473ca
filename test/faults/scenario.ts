import type { Budget } from './budgets.ts';
import type { Stage } from './stage.ts';

/** A fault, told in a few lines, and what must hold. */
export interface Scenario {
  /** A sentence in the style of a test. */
  readonly title: string;
  /** With how many data nodes it is played. */
  readonly nodes: readonly number[];
  /** Where the decisions stand for it, if that is not all the same. */
  readonly store?: OneStore;
  /** Whether the baton is to change hands. */
  readonly reign: 'changes' | 'stays' | 'either';
  /** The same on etcd, where that is another matter. */
  readonly reignOnEtcd?: Scenario['reign'];
  /** What DESIGN asks of the write gap; undefined where writes may have to wait for a repair. */
  readonly budget?: Budget;
  /** For how long two servers may say that they are open, ms, where that is longer than usual. */
  readonly bothOpenMs?: number;
  /** Each node has a disk of its own, that can be full or hang. */
  readonly hasDisks?: boolean;
  /** Leaves the cluster in another shape than it was. */
  readonly isLast?: boolean;
  /** Part of the selection for the CI, with this many nodes. */
  readonly slice?: number;
  /** The same of the selection on etcd. */
  readonly sliceOnEtcd?: number;
  /** Does the faults, and the steps of people where the scenario is about those. The rest is healed behind it. */
  readonly play: (stage: Stage) => Promise<void>;
}

/** For a scenario that only one home of decisions can play, and why that is so. */
export interface OneStore {
  readonly is: 'monitor' | 'etcd';
  readonly because: string;
}
