/**
 * `npm run bench:scale`: one monitor and the keepers of many groups of three,
 * which speak to it like real ones, with TLS and a token, and have no
 * PostgreSQL: what it costs while nothing happens, and how long it takes when a
 * third of all primaries die in the same moment.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createMonitorClient } from '../../src/api/client.ts';
import { readTokenFile } from '../../src/config/environment.ts';
import { parseMonitorUri } from '../../src/config/monitor-uri.ts';
import { createMonitorDirectory } from '../../src/monitor/create-monitor-directory.ts';
import { findFreePorts } from '../../src/programs/demo/free-ports.ts';
import { monitorConfig } from '../../test/support/test-monitor.ts';
import { newCommand, wholeNumber, wholeNumbers } from '../../scripts/command-line.ts';
import { measureUsage, type ProcessUsage } from '../process-usage.ts';
import type { Answers, Crashes, CrowdAnswer, CrowdRequest } from './crowd.ts';

const NODES_OF_A_GROUP = 3;
const IDLE_MS = 20_000;
const READY_MS = 20_000;

interface Options {
  readonly nodes: readonly number[];
  readonly heartbeatMs: number;
  readonly json: boolean;
}

interface Measured {
  readonly nodes: number;
  readonly monitor: ProcessUsage;
  readonly reports: Answers;
  readonly crashes: Crashes;
}

const options = newCommand(
  'bench:scale',
  'Measures what one monitor and the simulated keepers of many groups of three ask of each other.',
)
  .option(
    '--nodes <counts>',
    'how many nodes, one measurement for each, with commas',
    wholeNumbers(1),
    [100, 1_000],
  )
  .option('--heartbeat-ms <ms>', 'how often a keeper reports', wholeNumber(1), 500)
  .option('--json', 'print one line for programs', false)
  .parse()
  .opts<Options>();
const root = resolve(import.meta.dirname, '../..');

const results: Measured[] = [];
for (const nodes of options.nodes) {
  const result = await measure(nodes, options.heartbeatMs);
  results.push(result);
  if (!options.json) console.log(describe(result));
}
if (options.json) console.log(JSON.stringify(results));

async function measure(nodes: number, heartbeatMs: number): Promise<Measured> {
  const parent = mkdtempSync(join(tmpdir(), 'pgbaton-scale-'));
  const children: ChildProcess[] = [];
  try {
    const { uri, token, pid } = await startMonitor(join(parent, 'monitor'), children);
    const crowd = fork(join(import.meta.dirname, 'crowd.ts'), { stdio: 'inherit' });
    children.push(crowd);
    const groups = Math.ceil(nodes / NODES_OF_A_GROUP);
    await ask(crowd, { kind: 'form', uri, token, groups, heartbeatMs });
    const usage = measureUsage(pid);
    const reports = await ask<'heard'>(crowd, { kind: 'listen', ms: IDLE_MS });
    const monitor = usage();
    const crashes = await ask<'crashed'>(crowd, { kind: 'crash', groups: Math.ceil(groups / 3) });
    return { nodes: groups * NODES_OF_A_GROUP, monitor, reports, crashes };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(parent, { recursive: true, force: true });
  }
}

async function startMonitor(directory: string, children: ChildProcess[]) {
  const [port = 0] = await findFreePorts(1);
  const config = monitorConfig(port, { log: { level: 'warn', format: 'text' } });
  const { uri, tokenFile } = await createMonitorDirectory(directory, config);
  const token = readTokenFile(tokenFile ?? '');
  const child = spawn(process.execPath, [join(root, 'src/programs/monitor-main.ts'), directory], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  const client = createMonitorClient(parseMonitorUri(uri), { token });
  for (const beganMs = performance.now(); performance.now() - beganMs < READY_MS;) {
    if ((await client.health({ timeoutMs: 1_000 }).catch(() => undefined))?.ok) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  client.close();
  return { uri, token, pid: child.pid ?? 0 };
}

async function ask<K extends CrowdAnswer['kind']>(
  crowd: ChildProcess,
  request: CrowdRequest,
): Promise<Extract<CrowdAnswer, { kind: K }>> {
  const answered = once(crowd, 'message') as Promise<[Extract<CrowdAnswer, { kind: K }>]>;
  const ended = once(crowd, 'exit').then(([code]: (number | null)[]) => {
    throw new Error(`the simulated keepers ended with exit code ${code}`);
  });
  crowd.send(request);
  const [answer] = await Promise.race([answered, ended]);
  return answer;
}

function describe({ nodes, monitor, reports, crashes }: Measured): string {
  return [
    `${nodes} nodes: ${reports.perSecond} reports a second, answered in ${reports.medianMs.toFixed(1)} ms ` +
      `(99 of 100 within ${reports.worstOf100Ms.toFixed(0)} ms)`,
    `  monitor: ${monitor.cpuPercent.toFixed(0)} % of a core, ${monitor.residentMb.toFixed(0)} MB resident`,
    `  ${crashes.groups} primaries dead at once: decided after ${crashes.decidedMs.median} ms ` +
      `(the last ${crashes.decidedMs.max} ms), over after ${crashes.confirmedMs.median} ms ` +
      `(the last ${crashes.confirmedMs.max} ms)`,
  ].join('\n');
}
