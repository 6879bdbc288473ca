import { FAULTS } from '../faults.ts';
import { createRandom, type Random } from '../random.ts';
import type { Scenario } from '../scenario.ts';
import type { PlannedFault } from '../schedule.ts';

const SEED_MAX = 0x7fffffff;
/** How far a fault is moved in the mean, ms: some races are decided within a round trip, some within a time-out. */
const MOVES_MS = [5, 100, 1_000, 5_000];

/**
 * Scenarios that differ from one in a few places. Where the product has changed
 * so that a scenario no longer comes to its end, one that does is mostly near
 * it, and far from everything that chance alone would try. The same seed gives
 * the same neighbours.
 */
export function* neighboursOf(
  scenario: Scenario,
  seed: number,
  kinds: readonly string[],
): Generator<Scenario, never> {
  const random = createRandom(seed);
  for (;;) {
    let neighbour = scenario;
    for (let changes = random.int(1, 4); changes > 0; changes--)
      neighbour = changed(neighbour, random, kinds);
    yield neighbour;
  }
}

function changed(scenario: Scenario, random: Random, kinds: readonly string[]): Scenario {
  const { schedule } = scenario;
  const index = random.int(0, schedule.length - 1);
  const fault = schedule[index];
  if (fault === undefined) return scenario;
  const change = random.pick([
    () => moved(schedule, index, movedMs(random)),
    () => moved(schedule, index, movedMs(random)),
    () => schedule.with(index, { ...fault, seed: random.int(0, SEED_MAX) }),
    ...(kinds.length === 0 ? [] : [() => [...schedule, another(fault, random, kinds)]]),
    () => [...schedule, another(fault, random, Object.keys(FAULTS))],
  ]);
  const ordered = change().toSorted((a, b) => a.atMs - b.atMs);
  const restMs = scenario.faultyMs - (schedule.at(-1)?.atMs ?? 0);
  const faultyMs = Math.max(scenario.faultyMs, (ordered.at(-1)?.atMs ?? 0) + restMs);
  return { ...scenario, schedule: ordered, faultyMs };
}

function movedMs(random: Random): number {
  return Math.round(random.exponential(random.pick(MOVES_MS)) * random.pick([-1, 1]));
}

/** With one fault so much later. */
function moved(schedule: readonly PlannedFault[], index: number, byMs: number): readonly PlannedFault[] {
  return schedule.map((fault, at) =>
    at === index ? { ...fault, atMs: Math.max(0, fault.atMs + byMs) } : fault,
  );
}

function another({ atMs }: PlannedFault, random: Random, kinds: readonly string[]): PlannedFault {
  return {
    atMs: Math.max(0, atMs + movedMs(random)),
    kind: random.pick(kinds),
    seed: random.int(0, SEED_MAX),
  };
}
