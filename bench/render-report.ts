import type { GroupRun } from './group-run.ts';
import type { Floor } from './floor.ts';
import type { Machine } from './machine.ts';
import { summarise, type Summary } from './statistics.ts';
import type { Usage } from './usage.ts';

/** Everything that a run of the benchmark has measured. */
export interface Report {
  readonly machine: Machine;
  readonly nodes: number;
  readonly runs: readonly GroupRun[];
  /** The same without a monitor; empty: not asked for. */
  readonly etcdRuns: readonly GroupRun[];
  readonly helpMs: Summary;
  readonly floor: Floor;
}

/** `docs/benchmarks.md`, before it is formatted. */
export function renderReport({ machine, nodes, runs, etcdRuns, helpMs, floor }: Report): string {
  const all = [...runs, ...etcdRuns];
  const acknowledged = sum(all.map((run) => run.acknowledged));
  const lost = sum(all.map((run) => run.lost));
  const idle = runs.map((run) => run.idle).find((each) => each !== undefined);
  return `# Benchmarks

Written by \`npm run bench${etcdRuns.length === 0 ? '' : ' -- --etcd'}\`. ${runs.length === 1 ? 'One group' : `${runs.length} groups`} of a monitor and ${nodes} nodes, all on one machine over loopback, default settings, fsync on. In each: bring-up, SIGKILL of the primary's PostgreSQL, the old primary back as a standby, a switchover; one client inserts a row about every 3 ms through all of it and notes each acknowledgement. It keeps its connections to all servers, as a pool does, and asks every 10 ms which of them takes writes. The write gap is the longest time between two acknowledgements.

| | median | min | max | goal |
| --- | --- | --- | --- | --- |
${row(
  'bring-up of monitor and nodes',
  secondsOf(runs, (run) => run.bringUpS),
  's',
  '8 s',
)}
${row(
  'write gap, primary killed',
  secondsOf(runs, (run) => run.failoverGapS),
  's',
  '0.5 s',
)}
${row(
  'write gap, switchover',
  secondsOf(runs, (run) => run.switchoverGapS),
  's',
  '0.4 s',
)}
${row(
  'killed primary a standby again',
  secondsOf(runs, (run) => run.rejoinS),
  's',
  '5 s',
)}
${row('`pgbaton --help`', helpMs, 'ms', '120 ms')}

${acknowledged.toLocaleString('en-US')} rows were acknowledged, ${lost} of them lost. A killed primary that had WAL which nobody else has is rewound before it is a standby again, which takes longer; whether it had is chance.
${idle === undefined ? '' : renderIdle(idle)}${etcdRuns.length === 0 ? '' : renderEtcd(etcdRuns, runs)}
## What the machine can do without pgbaton

Machines differ by more than any program could make up for, so each run measures the floor as well: two bare servers with nothing around them, no client, no TLS, nobody who has to notice or decide anything. The standby is promoted by a session that is open already, at once after the SIGKILL, or as soon as the old primary has written its shutdown.

| | median | min | max |
| --- | --- | --- | --- |
${floorRow('SIGKILL to the first commit on the standby', floor.killS, 's')}
${floorRow('fast stop to the first commit on the standby', floor.stopS, 's')}
${floorRow('`node -e 0`', floor.nodeStartMs, 'ms')}

## The machine

${machine.cores} cores of ${machine.processor}, ${machine.memoryGb} GB; ${machine.system}, Linux ${machine.kernel}; PostgreSQL ${machine.postgres}, Node ${machine.node}, pgbaton ${machine.pgbaton}. Load average before the start: ${machine.loadAverage.toFixed(1)}.

All nodes share the disk and the cores, and the client and the benchmark take part of them too. There is no network in between: add its round trips.
`;
}

function renderIdle({ keeper, monitor }: Usage): string {
  const line = (
    name: string,
    { residentMb, anonymousMb, cpuPercent }: Usage['keeper'],
    goal: string,
  ): string =>
    `| ${name} | ${residentMb.toFixed(0)} MB | ${anonymousMb.toFixed(0)} MB | ${cpuPercent.toFixed(2)} % | ${goal} |`;
  return `
At rest, over 30 s:

| | resident | of which anonymous | CPU, of one core | goal |
| --- | --- | --- | --- | --- |
${line('keeper (the largest)', keeper, '75 MB, 1 %')}
${line('monitor', monitor, '')}
`;
}

function renderEtcd(runs: readonly GroupRun[], others: readonly GroupRun[]): string {
  const line = (name: string, pick: (run: GroupRun) => number): string => {
    const [own, other] = [secondsOf(runs, pick), secondsOf(others, pick)];
    const moreMs = Math.round((own.median - other.median) * 1_000);
    return `${floorRow(name, own, 's')} ${moreMs > 0 ? '+' : ''}${moreMs} ms |`;
  };
  return `
The same without a monitor, on an etcd of three members beside the nodes; each group follows one of those above:

| | median | min | max | against a monitor |
| --- | --- | --- | --- | --- |
${line('bring-up of etcd and nodes', (run) => run.bringUpS)}
${line('write gap, primary killed', (run) => run.failoverGapS)}
${line('write gap, switchover', (run) => run.switchoverGapS)}
${line('killed primary a standby again', (run) => run.rejoinS)}
`;
}

function row(name: string, summary: Summary, unit: 's' | 'ms', goal: string): string {
  return `${floorRow(name, summary, unit)} ${goal} |`;
}

function floorRow(name: string, { median, min, max }: Summary, unit: 's' | 'ms'): string {
  const cell = (value: number): string => `${value.toFixed(unit === 's' ? 2 : 0)} ${unit}`;
  return `| ${name} | ${cell(median)} | ${cell(min)} | ${cell(max)} |`;
}

function secondsOf(runs: readonly GroupRun[], pick: (run: GroupRun) => number): Summary {
  return summarise(runs.map(pick));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
