import type { Random } from './random.ts';

/** One fault of a run. All that is left to chance in it follows from its own seed. */
export interface PlannedFault {
  /** Since the group was whole for the first time, virtual ms. */
  readonly atMs: number;
  readonly kind: string;
  readonly seed: number;
}

/** A death, or a hang, and nothing else. */
const PLAIN: readonly string[] = ['kill_postgres', 'lose_host', 'hang_postgres'];

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
  // Now and then one fault by itself first: clients must be able to write again within a budget.
  const plain = kinds.filter((kind) => PLAIN.includes(kind));
  const hasPlain = plain.length > 0 && random.chance(0.4);
  if (hasPlain) faults.push({ atMs: 4_000, kind: random.pick(plain), seed: random.int(0, 0x7fffffff) });
  const restMs = hasPlain ? Math.min(18_000, faultyMs / 2) : 0;
  // Some runs are one storm, most have a few squalls with time in between to come to rest.
  if (random.chance(0.1)) {
    const meanMs = random.pick([800, 3_000]);
    const endMs = Math.min(faultyMs, 40_000);
    for (let atMs = restMs + random.exponential(meanMs); atMs < endMs; atMs += random.exponential(meanMs))
      add(atMs);
    return faults;
  }
  const squalls = random.int(2, 4);
  for (let squall = 0; squall < squalls; squall++) {
    let atMs = restMs + ((squall + random.next()) * (faultyMs - restMs)) / squalls;
    const meanMs = random.pick([20, 300, 1_500, 4_000]);
    for (let count = random.int(1, 4); count > 0; count--) {
      add(atMs);
      atMs += random.exponential(meanMs);
    }
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs);
}
