/**
 * `npm run bench -- [--runs N] [--nodes N] [--etcd] [--json] [--no-docs]`: how
 * long clients can't write, what the processes cost, and how fast commands
 * start, on this machine; with `--etcd` also without a monitor. Writes
 * docs/benchmarks.md unless told not to. Run it on a
 * machine that does nothing else.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { otherParts } from './document-part.ts';
import type { DemoStore } from '../src/programs/demo/demo-home.ts';
import { measureFloor } from './floor.ts';
import { runGroup, type GroupRun } from './group-run.ts';
import { describeMachine } from './machine.ts';
import { renderReport, type Report } from './render-report.ts';
import { summarise, type Summary } from './statistics.ts';

const IDLE_MS = 30_000;
const HELP_TIMES = 21;

const root = resolve(import.meta.dirname, '..');
const pgbaton = join(root, 'bin/pgbaton');
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    nodes: { type: 'string', default: '3' },
    etcd: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-docs': { type: 'boolean', default: false },
  },
});

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort());

const report: Report = {
  machine: await describeMachine(root),
  nodes: Number(options.nodes),
  helpMs: measureHelp(),
  floor: await measureFloor(),
  ...(await runAll(Number(options.runs))),
};
const text = renderReport(report);
if (!options['no-docs']) await writeDocument(join(root, 'docs/benchmarks.md'));
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
  const nodes = Number(options.nodes);
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
