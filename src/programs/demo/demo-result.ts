import type { DemoStore } from './demo-home.ts';

/** What one change of primary meant for the clients. */
export interface ChangeFigures {
  readonly write_gap_s: number;
  readonly acked: number;
  readonly lost: number;
}

/** The figures of a demo, as `--json` prints them. */
export interface DemoResult {
  readonly bringup_s: number;
  readonly failover: ChangeFigures;
  readonly switchover: ChangeFigures;
  /** From the end of the killed process until its node was a standby again. */
  readonly rejoin_s: number;
  readonly nodes: number;
  /** Nothing was lost, all came back, every standby has every acknowledged row, and nothing was left running. */
  readonly ok: boolean;
  /** Where the decisions stood; left out for a monitor. */
  readonly store?: Exclude<DemoStore, 'monitor'>;
}

/** Milliseconds are as exact as these figures are. */
export function toSeconds(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}

export function renderJson(result: DemoResult): string {
  return `${JSON.stringify(result)}\n`;
}

/** The table at the end of the story. */
export function renderTable(result: DemoResult): string {
  const rows = [
    ['', 'write gap', 'acknowledged', 'lost'],
    ['failover (kill -9)', ...figures(result.failover)],
    ['switchover', ...figures(result.switchover)],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('   ');
  const [head = [], ...body] = rows;
  const home = result.store === undefined ? 'a monitor' : 'etcd';
  const broughtUp = `bring-up of ${home} and ${result.nodes} nodes`;
  const rejoined = 'killed primary is a standby again after';
  return [
    `  ${line(head)}`,
    `  ${widths.map((width) => '-'.repeat(width)).join('   ')}`,
    ...body.map((row) => `  ${line(row)}`),
    '',
    `  ${broughtUp.padEnd(rejoined.length)}  ${seconds(result.bringup_s)}`,
    `  ${rejoined}  ${seconds(result.rejoin_s)}`,
    '',
  ].join('\n');
}

function figures({ write_gap_s, acked, lost }: ChangeFigures): readonly string[] {
  return [seconds(write_gap_s), acked.toLocaleString('en-US'), String(lost)];
}

/** `0.213 s` below ten seconds, `12.3 s` above. */
function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 1)} s`;
}
