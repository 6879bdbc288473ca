/** What several measurements of one thing say. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Throws RangeError without values. */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('nothing was measured');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const upper = Math.floor(sorted.length / 2);
  const lower = Math.ceil(sorted.length / 2) - 1;
  return { median: (at(lower) + at(upper)) / 2, min: at(0), max: at(sorted.length - 1) };
}

/** Half of the values lie between `low` and `high`. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** Throws RangeError without values. */
export function quartiles(values: readonly number[]): Quartiles {
  const { median } = summarise(values);
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.ceil(sorted.length / 2);
  return {
    low: summarise(sorted.slice(0, half)).median,
    median,
    high: summarise(sorted.slice(-half)).median,
  };
}
