import { runSeed } from './run.ts';
import type { Scenario } from './scenario.ts';
import type { PlannedFault } from './schedule.ts';

/** How many runs a shrinking may take: it is waited for. */
const RUNS_MAX = 600;

/** The smallest scenario found that breaks the same invariant. */
export function shrink(scenario: Scenario): Scenario {
  const invariant = brokenBy(scenario);
  if (invariant === undefined) return scenario;
  return shrinkBy(scenario, (candidate) => brokenBy(candidate) === invariant);
}

/**
 * Fewer faults by delta debugging, then fewer nodes and clients, and no time
 * before, between and behind the faults that does not matter.
 */
export function shrinkBy(scenario: Scenario, isBroken: (candidate: Scenario) => boolean): Scenario {
  let runs = 0;
  const breaks = (candidate: Scenario): boolean => {
    runs += 1;
    return runs <= RUNS_MAX && isBroken(candidate);
  };
  let smallest = scenario;
  for (;;) {
    const before = smallest;
    smallest = withFewerFaults(smallest, breaks);
    smallest = simplified(smallest, breaks);
    if (smallest === before || runs > RUNS_MAX) return smallest;
  }
}

/** The number of the invariant that a run breaks; the words behind it may differ. */
function brokenBy(scenario: Scenario): string | undefined {
  return runSeed({ ...scenario, without: [] }).violation?.invariant.split(' ')[0];
}

/** Leaves out halves, quarters and so on down to single faults, as long as it still breaks. */
function withFewerFaults(scenario: Scenario, breaks: (candidate: Scenario) => boolean): Scenario {
  let kept = scenario;
  for (
    let size = Math.ceil(kept.schedule.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < kept.schedule.length;) {
      const schedule = kept.schedule.toSpliced(from, size);
      const candidate = { ...kept, schedule };
      if (breaks(candidate)) kept = candidate;
      else from += size;
    }
  }
  return kept;
}

/** Begins again with each simplification that still breaks, since the next ones start from it. */
function simplified(scenario: Scenario, breaks: (candidate: Scenario) => boolean): Scenario {
  for (const simpler of simplifications(scenario)) {
    if (breaks(simpler)) return simplified(simpler, breaks);
  }
  return scenario;
}

function* simplifications(scenario: Scenario): Generator<Scenario> {
  const { nodes, clients, schedule, faultyMs } = scenario;
  if (nodes > 2) yield { ...scenario, nodes: nodes - 1 };
  if (clients > 1) yield { ...scenario, clients: 1 };
  const lastMs = schedule.at(-1)?.atMs ?? 0;
  for (const afterMs of [1_000, 10_000, 45_000])
    if (faultyMs > lastMs + afterMs) yield { ...scenario, faultyMs: lastMs + afterMs };
  for (const index of schedule.keys()) {
    const gapMs = (schedule[index]?.atMs ?? 0) - (schedule[index - 1]?.atMs ?? 0);
    for (const shorterMs of [100, 1_000, 10_000]) {
      if (gapMs > shorterMs) yield earlier(scenario, index, gapMs - shorterMs);
    }
  }
}

/** A fault and all that come behind it, so much earlier. */
function earlier(scenario: Scenario, index: number, byMs: number): Scenario {
  const move = (fault: PlannedFault, at: number): PlannedFault =>
    at < index ? fault : { ...fault, atMs: fault.atMs - byMs };
  return {
    ...scenario,
    schedule: scenario.schedule.map(move),
    faultyMs: Math.max(0, scenario.faultyMs - byMs),
  };
}
