import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { summarise } from '../statistics.ts';

/** What one repetition of one scenario has shown; one line of the file of results. */
export interface Measurement {
  readonly system: string;
  readonly scenario: string;
  readonly write_gap_s: number;
  readonly lost: number;
  readonly split_brain_acks: number;
  /** Whether all three servers were back without a person. */
  readonly healed: boolean;
}

/** All repetitions together. */
export interface Outcome {
  /** The median. */
  readonly write_gap_s: number;
  readonly write_gap_min_s: number;
  readonly write_gap_max_s: number;
  /** Sums over all repetitions. */
  readonly lost: number;
  readonly split_brain_acks: number;
  readonly healed: number;
  readonly reps: number;
}

export type Outcomes = Readonly<Record<string, Readonly<Record<string, Outcome>>>>;

export function readResults(file: string): readonly Measurement[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Measurement);
}

export function appendResult(file: string, measurement: Measurement): void {
  appendFileSync(file, `${JSON.stringify(measurement)}\n`);
}

/** By scenario, then by system, both in the order of their first measurement. */
export function summariseResults(results: readonly Measurement[]): Outcomes {
  const byScenario = Object.groupBy(results, ({ scenario }) => scenario);
  return Object.fromEntries(
    Object.entries(byScenario).map(([scenario, some = []]) => {
      const bySystem = Object.entries(Object.groupBy(some, ({ system }) => system));
      return [scenario, Object.fromEntries(bySystem.map(([system, all = []]) => [system, outcomeOf(all)]))];
    }),
  );
}

function outcomeOf(all: readonly Measurement[]): Outcome {
  const gap = summarise(all.map((each) => each.write_gap_s));
  const sum = (pick: (each: Measurement) => number): number =>
    all.reduce((total, each) => total + pick(each), 0);
  return {
    write_gap_s: gap.median,
    write_gap_min_s: gap.min,
    write_gap_max_s: gap.max,
    lost: sum(({ lost }) => lost),
    split_brain_acks: sum((each) => each.split_brain_acks),
    healed: sum(({ healed }) => Number(healed)),
    reps: all.length,
  };
}
