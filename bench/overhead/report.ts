import { renderTable } from '../../src/cli/render-table.ts';
import type { ProcessUsage } from '../process-usage.ts';
import type { Usage } from '../usage.ts';
import type { Comparison } from './compare.ts';

/** Everything that a run has measured. */
export interface Overhead {
  readonly clients: number;
  readonly idle_seconds: number;
  readonly idle: Usage;
  readonly comparisons: readonly Comparison[];
}

type Table = readonly (readonly string[])[];

/** For people at a terminal. */
export function renderText(overhead: Overhead): string {
  return [loadTable(overhead), usageTable(overhead)]
    .map(([header = [], ...rows]) => {
      const columns = header.map(
        (title, index) => ({ title, align: index === 0 ? 'left' : 'right' }) as const,
      );
      return renderTable(columns, rows);
    })
    .join('\n');
}

/** A part of docs/benchmarks.md, before it is formatted. */
export function renderPart(overhead: Overhead): string {
  const { clients, idle_seconds: idleSeconds, comparisons } = overhead;
  return `## What the keepers cost

Written by \`npm run bench:overhead\`: pgbench with ${clients} clients, without TLS, on the primary of a group of three with quorum commit, with keepers and monitor at work and with all of them frozen (SIGSTOP), while servers, settings and sessions stay the same. They are frozen for two seconds and thawed for two, ${comparisons[0]?.pairs ?? 0} times for each load; the first second of each two does not count. The figures are medians; half of the pairs lie within the range: the machine is noisier than what is measured here, and the processor times below are the more exact of the two. Three keepers, the monitor, all servers and pgbench share the two cores of the machine above: on a machine of its own a server has one of the three keepers and no monitor.

${markdown(loadTable(overhead))}

What they take of the processor meanwhile, and at rest over ${idleSeconds} s. Of the keepers the one that takes most.

${markdown(usageTable(overhead))}
`;
}

function loadTable({ comparisons }: Overhead): Table {
  const rows = comparisons.map(({ workload, tps_with: tpsWith, tps_without: tpsWithout, ratio }) => [
    workload,
    tps(tpsWith.median),
    tps(tpsWithout.median),
    percent(ratio.median),
    `${percent(ratio.low)} to ${percent(ratio.high)}`,
  ]);
  return [['transactions a second', 'with keepers', 'without', 'with through without', 'range'], ...rows];
}

function usageTable({ idle, comparisons }: Overhead): Table {
  const phases: readonly (readonly [string, Usage])[] = [
    ['at rest', idle],
    ...comparisons.map(({ workload, usage }) => [workload, usage] as const),
  ];
  const row = (name: string, { residentMb, anonymousMb, cpuPercent }: ProcessUsage): readonly string[] => [
    name,
    `${residentMb.toFixed(0)} MB`,
    `${anonymousMb.toFixed(0)} MB`,
    `${cpuPercent.toFixed(1)} %`,
  ];
  return [
    ['process', 'resident', 'of which anonymous', 'CPU, of one core'],
    ...phases.map(([phase, { keeper }]) => row(`keeper, ${phase}`, keeper)),
    ...phases.map(([phase, { monitor }]) => row(`monitor, ${phase}`, monitor)),
  ];
}

function markdown([header = [], ...rows]: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [header, header.map((_, index) => (index === 0 ? '---' : '--:')), ...rows].map(line).join('\n');
}

function tps(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
