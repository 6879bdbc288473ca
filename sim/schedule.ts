import type { Random } from './random.ts';

/** One fault of a run. All that is left to chance in it follows from its own seed. */
export interface PlannedFault {
  /** Since the group was whole for the first time, virtual ms. */
  readonly atMs: number;
  readonly kind: string;
  readonly seed: number;
}

/**
 * The faults of one run: of a few kinds chosen for it, so that rare ones meet
 * often enough, and close together, because two at once are what breaks things.
 */
export function makeSchedule(
  random: Random,
  kinds: readonly string[],
  faultyMs: number,
): readonly PlannedFault[] {
  if (kinds.length === 0) return [];
  const few = kinds.filter(() => random.chance(0.35));
  const chosen = few.length === 0 ? kinds : few;
  const faults: PlannedFault[] = [];
  const add = (atMs: number): void => {
    if (atMs >= faultyMs) return;
    const kind = random.pick(chosen);
    faults.push({ atMs: Math.round(atMs), kind, seed: random.int(0, 0x7fffffff) });
  };
  // Some runs are one storm, most have a few squalls with time in between to come to rest.
  if (random.chance(0.1)) {
    const meanMs = random.pick([800, 3_000]);
    const endMs = Math.min(faultyMs, 40_000);
    for (let atMs = random.exponential(meanMs); atMs < endMs; atMs += random.exponential(meanMs)) add(atMs);
    return faults;
  }
  const squalls = random.int(2, 4);
  for (let squall = 0; squall < squalls; squall++) {
    let atMs = ((squall + random.next()) * faultyMs) / squalls;
    const meanMs = random.pick([20, 300, 1_500, 4_000]);
    for (let count = random.int(1, 4); count > 0; count--) {
      add(atMs);
      atMs += random.exponential(meanMs);
    }
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}
