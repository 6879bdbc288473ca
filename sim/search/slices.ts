import { OPERATIONS, type Operation } from './faults.ts';
import type { Bounds } from './state.ts';

/** One search: how much may happen at most, and what people may ask for. */
export interface Slice {
  readonly bounds: Bounds;
  readonly operations: readonly Operation[];
}

export const NOTHING: Bounds = {
  transactions: 0,
  crashes: 0,
  cuts: 0,
  restarts: 0,
  operations: 0,
  pauses: 0,
};

/**
 * What is searched by default: any fault with commits under way, and pairs of
 * faults one upon the other. All bounds at once would be too many states; what
 * needs three faults to do harm is left to the simulator, which tries many by
 * chance.
 */
export const SLICES: readonly Slice[] = [
  slice({ transactions: 2, cuts: 1 }),
  slice({ transactions: 2, crashes: 1 }),
  slice({ transactions: 1, restarts: 1 }),
  slice({ transactions: 1, crashes: 1, pauses: 1 }),
  slice({ operations: 1 }),
  slice({ crashes: 1, cuts: 1 }),
  slice({ cuts: 1, restarts: 1 }),
  slice({ cuts: 1, operations: 1 }, ['switchover']),
  slice({ crashes: 1, operations: 1 }, ['switchover']),
  slice({ crashes: 2 }),
];

/** What is not said of a slice does not happen in it. */
export function slice(bounds: Partial<Bounds>, operations: readonly Operation[] = OPERATIONS): Slice {
  return { bounds: { ...NOTHING, ...bounds }, operations };
}
