import type { RunResult } from './run.ts';
import type { WriteGap } from './write-gap.ts';

/** What many runs came to. */
export interface Totals {
  add(result: RunResult): void;
  readonly counts: ReadonlyMap<string, number>;
  summary(): Summary;
  /** For people. */
  describe(first: number, unreached: readonly string[]): string;
}

/** What `--json` prints, with the names that a script reads. */
export interface Summary {
  readonly seeds: number;
  readonly seeds_per_min: number;
  /** Changes of reign that were completed, planned and unplanned. */
  readonly failovers: number;
  readonly faults: number;
  readonly violations: number;
  readonly unconverged: number;
}

export function createTotals(): Totals {
  const beganMs = performance.now();
  const counts = new Map<string, number>();
  const gaps: WriteGap[] = [];
  let [seeds, reigns, violations, unconverged] = [0, 0, 0, 0];
  let [acknowledged, events, virtualMs, slowestMs] = [0, 0, 0, 0];

  const seconds = (): number => (performance.now() - beganMs) / 1_000;
  const faults = (): number =>
    [...counts].reduce((sum, [what, count]) => sum + (what.startsWith('fault ') ? count : 0), 0);

  function summary(): Summary {
    return {
      seeds,
      seeds_per_min: Math.round((seeds / seconds()) * 60),
      failovers: reigns - seeds,
      faults: faults(),
      violations,
      unconverged,
    };
  }

  return {
    counts,
    summary,
    add(result) {
      seeds += 1;
      reigns += result.reigns;
      acknowledged += result.acknowledged;
      events += result.events;
      virtualMs += result.virtualMs;
      slowestMs = Math.max(slowestMs, result.convergedAfterMs ?? 0);
      gaps.push(...result.gaps);
      for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
      if (result.violation?.invariant.startsWith('I26 ')) unconverged += 1;
      else if (result.violation !== undefined) violations += 1;
    },
    describe(first, unreached) {
      const rows = [...counts].toSorted(([a], [b]) => a.localeCompare(b));
      const { failovers } = summary();
      return [
        ...rows.map(([what, count]) => `${String(count).padStart(9)} ${what}`),
        `${seeds} seeds from ${first} in ${seconds().toFixed(1)} s (${summary().seeds_per_min}/min, ${Math.round(events / seconds() / 1_000)} k events/s), ` +
          `${Math.round(virtualMs / 3_600_000)} virtual hours, ${failovers} changes of reign, ${faults()} faults, ${acknowledged} commits, ` +
          `slowest recovery ${(slowestMs / 1_000).toFixed(1)} s, ${violations} violations, ${unconverged} unconverged`,
        ...describeGaps(gaps),
        ...(unreached.length === 0 ? [] : [`never reached: ${unreached.join(', ')}`]),
      ].join('\n');
    },
  };
}

function describeGaps(gaps: readonly WriteGap[]): readonly string[] {
  return ['kill_postgres', 'lose_host'].flatMap((kind) => {
    const sorted = gaps.flatMap((gap) => (gap.kind === kind ? [gap.ms] : [])).toSorted((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)];
    if (middle === undefined) return [];
    return [
      `no writes after ${kind} alone: median ${Math.round(middle)} ms, longest ${Math.round(sorted.at(-1) ?? 0)} ms, of ${sorted.length}`,
    ];
  });
}
