import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { HostsRun } from '../support/hosts/hosts-run.ts';
import { openNetwork, type Network } from '../support/hosts/network.ts';
import type { SuiteOptions } from './options.ts';
import { renderOutcomes, renderProblems } from './report.ts';
import { runScenario, type Outcome } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';
import { setStage, type Stage } from './stage.ts';

/** One scenario with one number of nodes. */
interface Play {
  readonly scenario: Scenario;
  readonly nodes: number;
}

/** The names of what would be played, and of what is left out. */
export function listScenarios(options: SuiteOptions): string {
  const played = playsOf(options).map(({ scenario, nodes }) => `${nodes} nodes: ${scenario.title}`);
  const leftOut = SCENARIOS.flatMap(({ title, store }) =>
    store === undefined || store.is === options.store ? [] : [`left out: ${title} (${store.because})`],
  );
  return [...played, ...leftOut].join('\n');
}

/** Plays what was asked for; resolves with the exit code. */
export async function runSuite(run: HostsRun, options: SuiteOptions): Promise<number> {
  const say = options.json ? console.error : console.log;
  // Programs of PostgreSQL look for the files of whoever they run as.
  process.env['HOME'] = '/tmp';
  process.env['USER'] = 'postgres';
  const plays = playsOf(options);
  if (plays.length === 0) {
    console.error(`no scenario has ${options.patterns.join(' or ')} in its title`);
    return 2;
  }
  const network = openNetwork(run);
  const outcomes: Outcome[] = [];
  for (let round = 1; round <= options.repeat && !outcomes.some(hasFailed); round++) {
    outcomes.push(...(await playAll({ plays, run, network, options, round, say })));
  }
  say(`\n${renderOutcomes(outcomes)}${renderProblems(outcomes)}`);
  const failed = outcomes.filter(hasFailed).length;
  say(`${outcomes.length - failed} passed, ${failed} failed`);
  if (options.json) console.log(JSON.stringify({ scenarios: outcomes }));
  return failed === 0 ? 0 : 1;
}

function playsOf({ patterns, nodes, slice, store }: SuiteOptions): readonly Play[] {
  return (
    SCENARIOS.filter((scenario) => (scenario.store?.is ?? store) === store)
      .filter(({ title }) => patterns.length === 0 || patterns.some((each) => isMeant(title, each)))
      .flatMap((scenario) => scenario.nodes.map((number) => ({ scenario, nodes: number })))
      .filter((play) => nodes === undefined || play.nodes === nodes)
      .filter(({ scenario, nodes: number }) => !slice || sliceOf(scenario, store) === number)
      // One cluster serves as many as it can.
      .sort((a, b) => a.nodes - b.nodes || rank(a) - rank(b))
  );
}

/** A whole title means that scenario only, and not those besides that it is a part of. */
function isMeant(title: string, pattern: string): boolean {
  return SCENARIOS.some((scenario) => scenario.title === pattern)
    ? title === pattern
    : title.includes(pattern);
}

function sliceOf({ slice, sliceOnEtcd }: Scenario, store: SuiteOptions['store']): number | undefined {
  return store === 'etcd' ? sliceOnEtcd : slice;
}

/** Those that leave another cluster behind come last of those without disks. */
function rank({ scenario: { hasDisks = false, isLast = false } }: Play): number {
  return Number(isLast) + 2 * Number(hasDisks);
}

interface Round {
  readonly plays: readonly Play[];
  readonly run: HostsRun;
  readonly network: Network;
  readonly options: SuiteOptions;
  readonly round: number;
  readonly say: (text: string) => void;
}

async function playAll({ plays, run, network, options, round, say }: Round): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let current: { readonly stage: Stage; readonly key: string } | undefined;
  const strike = async (): Promise<void> => {
    await current?.stage.remove();
    current = undefined;
  };
  for (const [index, { scenario, nodes }] of plays.entries()) {
    const { hasDisks = false, isLast = false } = scenario;
    const key = `${nodes} ${hasDisks}`;
    if (current?.key !== key) await strike();
    const name = `${round}-${index + 1}`;
    const { store } = options;
    current ??= {
      stage: await setStage({ run, network, nodes, store, hasDisks, name: `cluster-${name}` }),
      key,
    };
    const outcome = await runScenario(scenario, current.stage, name);
    outcomes.push(outcome);
    say(oneLine(outcome));
    if (hasFailed(outcome) || options.logs) say(await keepEvidence(current.stage, outcome, store));
    if (hasFailed(outcome) && options.keep) await untilInterrupted(say, current.stage);
    if (hasFailed(outcome) || isLast) await strike();
  }
  await strike();
  return outcomes;
}

function hasFailed({ problems }: Outcome): boolean {
  return problems.length > 0;
}

function oneLine({ title, nodes, problems, tookMs, writeGapMs }: Outcome): string {
  const verdict = problems.length === 0 ? 'ok    ' : 'FAILED';
  return `${verdict} ${title} (${nodes} nodes): gap ${(writeGapMs / 1000).toFixed(2)} s, took ${Math.round(tookMs / 1000)} s`;
}

/** Everything that tells what happened, where a run that is removed leaves it. */
async function keepEvidence(stage: Stage, outcome: Outcome, store: SuiteOptions['store']): Promise<string> {
  const name = `${outcome.title.replaceAll(/[^a-z0-9]+/gi, '-')}-${outcome.nodes}-${store}`;
  const folder = join(resolve(import.meta.dirname, '../..'), 'fault-logs', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'outcome.json'), JSON.stringify(outcome, null, 2));
  cpSync(stage.cluster.directory, folder, { recursive: true, filter: isTelling });
  await keepAnswers(stage, folder, [['show', 'events', '--count', '200']]);
  if (hasFailed(outcome)) {
    await keepAnswers(stage, folder, [['show', 'state'], ['why']]);
    // With what each decision was made by, for `pgbaton replay`.
    await stage.cluster.pgbaton(['show', 'events', '--export', join(folder, 'incident.jsonl')]);
  }
  return `  what it left: ${folder}`;
}

async function keepAnswers(
  { cluster }: Stage,
  folder: string,
  commands: readonly (readonly string[])[],
): Promise<void> {
  for (const command of commands) {
    const { stdout, stderr } = await cluster.pgbaton(command);
    writeFileSync(join(folder, `${command.slice(0, 2).join('-')}.txt`), stdout + stderr);
  }
}

/** Logs, settings and journals; what the databases hold is too much. */
function isTelling(path: string): boolean {
  if (statSync(path).isDirectory()) return !/\/(base|global|pg_[a-z]+|lost-found)$/.test(path);
  return /\.(log|jsonl|conf|yaml)$/.test(path);
}

async function untilInterrupted(say: (text: string) => void, stage: Stage): Promise<never> {
  const hosts = stage.network
    .hosts()
    .map(({ name, namespace, address }) => `  ${name} ${address}: ip netns exec ${namespace} ...`);
  say(`it is left as it is, until Ctrl-C:\n${hosts.join('\n')}\n  files: ${stage.cluster.directory}`);
  return new Promise(() => setInterval(() => undefined, 60_000));
}
