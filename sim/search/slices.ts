import type { Bounds } from './state.ts';

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
export const SLICES: readonly Bounds[] = [
  { ...NOTHING, transactions: 2, cuts: 1 },
  { ...NOTHING, transactions: 2, crashes: 1 },
  { ...NOTHING, transactions: 1, restarts: 1 },
  { ...NOTHING, transactions: 1, crashes: 1, pauses: 1 },
  { ...NOTHING, operations: 1 },
  { ...NOTHING, crashes: 1, cuts: 1 },
  { ...NOTHING, crashes: 2 },
];
