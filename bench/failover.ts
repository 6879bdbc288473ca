/**
 * `npm run bench`: how long clients can't write, what the processes cost, and
 * how fast commands start, on this machine. Writes docs/benchmarks.md unless
 * told not to. Run it on a machine that does nothing else.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { newCommand, wholeNumber } from '../scripts/command-line.ts';
import { otherParts } from './document-part.ts';
import type { DemoStore } from '../src/programs/demo/demo-home.ts';
import { measureFloor } from './floor.ts';
import { runGroup, type GroupRun } from './group-run.ts';
import { describeMachine } from './machine.ts';
import { renderReport, type Report } from './render-report.ts';
import { summarise, type Summary } from './statistics.ts';

interface Options {
  readonly runs: number;
  readonly nodes: number;
  readonly etcd: boolean;
  readonly json: boolean;
  readonly docs: boolean;
}

const IDLE_MS = 30_000;
const HELP_TIMES = 21;

const root = resolve(import.meta.dirname, '..');
const pgbaton = join(root, 'bin/pgbaton');
const options = newCommand(
  'bench',
  "Measures how long clients can't write in a failover and a switchover, what the processes cost, and how fast commands start.",
)
  .option('--runs <count>', 'groups that are made and measured, one after the other', wholeNumber(1), 5)
  .option('--nodes <count>', 'nodes of each group', wholeNumber(2), 3)
  .option('--etcd', 'after each group with a monitor, one on etcd', false)
  .option('--json', 'print one line for programs', false)
  .option('--no-docs', 'leave docs/benchmarks.md as it is')
  .parse()
  .opts<Options>();

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort());

const report: Report = {
  machine: await describeMachine(root),
  nodes: options.nodes,
  helpMs: measureHelp(),
  floor: await measureFloor(),
  ...(await runAll(options.runs)),
};
const text = renderReport(report);
if (options.docs) await writeDocument(join(root, 'docs/benchmarks.md'));
process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : text);
if ([...report.runs, ...report.etcdRuns].some(({ lost }) => lost > 0)) process.exitCode = 1;

/** A group on etcd follows one with a monitor at once: what else the machine does is the same for both then. */
async function runAll(count: number): Promise<Pick<Report, 'runs' | 'etcdRuns'>> {
  const runs: GroupRun[] = [];
  const etcdRuns: GroupRun[] = [];
  for (let index = 1; index <= count; index++) {
    // Once is enough: what an idle process costs does not depend on luck.
    runs.push(await runOne('monitor', `${index} of ${count}`, index === count ? IDLE_MS : 0));
    if (options.etcd) etcdRuns.push(await runOne('etcd', `${index} of ${count}`, 0));
  }
  return { runs, etcdRuns };
}

async function runOne(store: DemoStore, which: string, idleMs: number): Promise<GroupRun> {
  const { nodes } = options;
  const run = await runGroup({ program: [pgbaton], store, nodes, signal: interruption.signal, idleMs });
  console.error(
    `${store}, run ${which}: bring-up ${run.bringUpS.toFixed(2)} s, failover ${run.failoverGapS.toFixed(3)} s, ` +
      `rejoin ${run.rejoinS.toFixed(2)} s, switchover ${run.switchoverGapS.toFixed(3)} s, ${run.lost} lost`,
  );
  return run;
}

function measureHelp(): Summary {
  const times = Array.from({ length: HELP_TIMES }, () => {
    const beganMs = performance.now();
    execFileSync(pgbaton, ['--help'], { stdio: 'ignore', timeout: 10_000 });
    return performance.now() - beganMs;
  });
  return summarise(times);
}

async function writeDocument(file: string): Promise<void> {
  const style = await resolveConfig(file);
  // The comparison with the peers is written by another program, and stays.
  const others = existsSync(file) ? otherParts(readFileSync(file, 'utf8')) : '';
  writeFileSync(file, await format(`${text}\n${others}`, { ...style, parser: 'markdown' }));
}
