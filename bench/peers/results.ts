import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { summarise } from '../statistics.ts';

/** What one repetition of one scenario has shown; one line of the file of results. */
export interface Measurement {
  readonly system: string;
  readonly scenario: string;
  /** Where there is a failure: how long it was watched. */
  readonly write_gap_s: number;
  /** Why there is no write gap: what was asked for was refused, or nobody was served again. */
  readonly failure?: string;
  readonly lost: number;
  readonly split_brain_acks: number;
  /** Whether all three servers were back without a person. */
  readonly healed: boolean;
}

/** All repetitions together. */
export interface Outcome {
  /** The median of those without a failure, where there are such. */
  readonly write_gap_s: number;
  readonly write_gap_min_s: number;
  readonly write_gap_max_s: number;
  /** Sums over all repetitions. */
  readonly lost: number;
  readonly split_brain_acks: number;
  readonly healed: number;
  readonly reps: number;
  /** How many of them have a write gap. */
  readonly with_gap: number;
  /** Why the others have none, each reason once. */
  readonly failures: readonly string[];
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

/** Takes all others out of the file. */
export function keepResults(file: string, isKept: (measurement: Measurement) => boolean): void {
  const lines = readResults(file).filter(isKept);
  writeFileSync(file, lines.map((each) => `${JSON.stringify(each)}\n`).join(''));
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
  const good = all.filter(({ failure }) => failure === undefined);
  const gap = summarise((good.length > 0 ? good : all).map((each) => each.write_gap_s));
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
    with_gap: good.length,
    failures: [...new Set(all.map(({ failure }) => failure).filter((each) => each !== undefined))],
  };
}
