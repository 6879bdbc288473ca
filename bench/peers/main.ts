/**
 * `npm run bench:failover`: how long clients can't write when a primary is
 * changed, with pgbaton and with its peers, in the same network namespaces, with
 * the same client and the same faults. Needs root, and the packages that
 * bench/peers/set-up installs.
 *
 * Each repetition is a line of the file of results as soon as it is over, and
 * the report is made of all that are there. A run adds what is missing up to N
 * repetitions, so that it can be ended at any time and gone on with later.
 */
import { cpSync, globSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { observedRun, runAsObserver } from '../../test/support/hosts/observer.ts';
import { openNetwork } from '../../test/support/hosts/network.ts';
import { duration, listOf, newCommand, wholeNumber } from '../../scripts/command-line.ts';
import { measureFloor } from '../floor.ts';
import { openBench } from './measure.ts';
import { renderText, writeReport } from './report.ts';
import { appendResult, keepResults, readResults, summariseResults } from './results.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { makeStage, type Stage } from './stage.ts';
import type { System } from './system.ts';
import { SYSTEMS } from './systems/all.ts';

interface Options {
  readonly reps: number;
  readonly systems?: readonly string[];
  readonly scenarios?: readonly string[];
  readonly anew: boolean;
  readonly minutes?: number;
  readonly render: boolean;
  readonly json: boolean;
  readonly docs: boolean;
  readonly results: string;
  readonly logs?: string;
}

const options = newCommand(
  'bench:failover',
  "Measures how long clients can't write when a primary is changed, with pgbaton and with its peers.",
)
  .option('--reps <count>', 'adds what is missing up to so many repetitions', wholeNumber(1), 5)
  .option('--systems <names>', 'these and no others, with commas', listOf('system', namesOf(SYSTEMS)))
  .option('--scenarios <names>', 'these and no others, with commas', listOf('scenario', namesOf(SCENARIOS)))
  .option('--anew', 'forget what there is of the chosen systems and scenarios', false)
  .option('--minutes <count>', 'begin nothing new after this time', duration)
  .option('--render', 'measure nothing, and make the report of what there is', false)
  .option('--results <file>', 'where the measurements are added', 'bench/peers/results.jsonl')
  .option('--logs <folder>', 'keep there what all processes have said')
  .option('--json', 'print one line for programs', false)
  .option('--no-docs', 'leave docs/benchmarks.md as it is')
  .parse()
  .opts<Options>();
const root = resolve(import.meta.dirname, '../..');
const resultsFile = resolve(root, options.results);
const { reps } = options;
const endsAtMs = performance.now() + (options.minutes ?? Infinity) * 60_000;

/** A system of which nothing can be measured this many times is given up. */
const ATTEMPTS = 3;

if (options.render) await report();
else if (observedRun() === undefined)
  process.exitCode = await runAsObserver([process.execPath, import.meta.filename, ...process.argv.slice(2)]);
else {
  await measureAll();
  await report();
}

async function measureAll(): Promise<void> {
  const systems = chosen(SYSTEMS, options.systems);
  const scenarios = chosen(SCENARIOS, options.scenarios);
  if (options.anew)
    keepResults(
      resultsFile,
      (each) =>
        !systems.some(({ name }) => name === each.system) ||
        !scenarios.some(({ name }) => name === each.scenario),
    );
  await addFloor();
  for (const system of systems) await measureSystem(system, scenarios);
}

/** The floor has no client, no faults and nobody who decides: only its least, median and longest are known. */
async function addFloor(): Promise<void> {
  if (readResults(resultsFile).some(({ system }) => system === 'floor')) return;
  const floor = await measureFloor();
  for (const [scenario, { median, min, max }] of [
    ['switchover', floor.stopS],
    ['process-kill', floor.killS],
  ] as const)
    for (const gap of [min, median, max])
      appendResult(resultsFile, {
        system: 'floor',
        scenario,
        write_gap_s: gap,
        lost: 0,
        split_brain_acks: 0,
        healed: true,
      });
}

/** One cluster lives through everything, as long as it heals; else there is a new one. */
async function measureSystem(system: System, scenarios: readonly Scenario[]): Promise<void> {
  const measured = (): number => readResults(resultsFile).length;
  for (let [attempt, inVain] = [1, 0]; inVain < ATTEMPTS; attempt++) {
    if (nextScenario(system, scenarios, true) === undefined) return;
    const before = measured();
    try {
      return await withCluster(system, attempt, scenarios);
    } catch (error) {
      console.error(`${system.name}: ${(error as Error).message}`);
    }
    inVain = measured() > before ? 0 : inVain + 1;
  }
}

async function withCluster(system: System, attempt: number, scenarios: readonly Scenario[]): Promise<void> {
  const run = observedRun();
  if (run === undefined) throw new Error('there are no hosts');
  const network = openNetwork(run);
  const stage: Stage = makeStage(run, network, `${system.name}-${attempt}`, firstPort());
  try {
    const cluster = await system.create(stage);
    const bench = await openBench(stage, cluster);
    for (;;) {
      const scenario = nextScenario(system, scenarios, cluster.controlHosts.length > 0);
      if (scenario === undefined) return;
      const measurement = { system: system.name, ...(await bench.measure(scenario)) };
      appendResult(resultsFile, measurement);
      console.error(JSON.stringify(measurement));
      if (!measurement.healed) await bench.repair();
    }
  } finally {
    if (options.logs !== undefined) keepLogs(stage, resolve(options.logs));
    network.heal();
    for (const host of network.hosts()) network.removeHost(host);
    rmSync(stage.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The one that was measured least often, if that is not often enough and there is time. */
function nextScenario(
  system: System,
  scenarios: readonly Scenario[],
  hasControlPlane: boolean,
): Scenario | undefined {
  if (performance.now() > endsAtMs) return undefined;
  const results = readResults(resultsFile).filter((each) => each.system === system.name);
  const times = ({ name }: Scenario): number => results.filter(({ scenario }) => scenario === name).length;
  const [least] = scenarios
    .filter(({ needsControlPlane = false }) => hasControlPlane || !needsControlPlane)
    .toSorted((a, b) => times(a) - times(b));
  return least !== undefined && times(least) < reps ? least : undefined;
}

/** All servers' sockets are in one folder, those of a second run too: its ports have to be others. */
function firstPort(): number {
  return 15_000 + (process.pid % 1_000) * 10;
}

/** PostgreSQL's own are wanted too, wherever a system puts them. */
function keepLogs({ directory }: Stage, folder: string): void {
  for (const file of globSync('**/{log,*.log}', { cwd: directory }))
    cpSync(join(directory, file), join(folder, basename(directory), file), { recursive: true });
}

function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[] | undefined,
): readonly T[] {
  return names === undefined ? all : all.filter(({ name }) => names.includes(name));
}

function namesOf(all: readonly { readonly name: string }[]): readonly string[] {
  return all.map(({ name }) => name);
}

async function report(): Promise<void> {
  const outcomes = summariseResults(readResults(resultsFile));
  if (options.docs) await writeReport(root, outcomes);
  process.stdout.write(options.json ? `${JSON.stringify({ scenarios: outcomes })}\n` : renderText(outcomes));
}
