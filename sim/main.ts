import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { SEEDS_FOR_COVERAGE, unreached } from './coverage.ts';
import { optionsOf, type Choice } from './options.ts';
import { runMany } from './run-many.ts';
import type { RunResult } from './run.ts';
import { scenarioOf, type Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { createTotals } from './totals.ts';
import { tellStory, writeFailure } from './write-failure.ts';

/** `npm run sim -- --seeds 1000 --seed 1`: that many lives of a group, each from its own seed. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    nodes: { type: 'string' },
    // With the bring-up before and the recovery behind them about five minutes.
    'faulty-ms': { type: 'string', default: '275000' },
    'keep-going': { type: 'boolean', default: false },
    without: { type: 'string', default: '' },
    shrink: { type: 'boolean', default: false },
    replay: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/** How many failures are shrunk at most: each takes some seconds. */
const SHRUNK_MAX = 20;

if (values.replay === undefined) await runAll();
else console.log(tellStory(JSON.parse(readFileSync(values.replay, 'utf8')) as Scenario));

async function runAll(): Promise<void> {
  const choice: Choice = {
    ...(values.nodes === undefined ? {} : { nodes: Number(values.nodes) }),
    faultyMs: Number(values['faulty-ms']),
    without: values.without.split(','),
  };
  const first = values.seed === undefined ? Math.floor(Math.random() * 1_000_000_000) : Number(values.seed);
  // First of all, so that it is known whatever happens then.
  if (values.seed === undefined) console.error(`seed ${first}`);

  const totals = createTotals();
  const broken: RunResult[] = [];
  const options = {
    ...choice,
    first,
    seeds: Number(values.seeds),
    jobs: Number(values.jobs),
    keepsGoing: values['keep-going'],
  };
  await runMany(options, (result) => {
    totals.add(result);
    if (result.violation !== undefined) broken.push(result);
  });

  const missing = unreached(totals.counts);
  if (values.json) console.log(JSON.stringify({ ...totals.summary(), rules_unreached: missing }));
  else console.log(totals.describe(first, missing));
  if (values.trace && broken.length === 0) console.log(tellStory(scenarioOf(optionsOf(first, choice))));
  tellFailures(broken, choice);
  const isUncovered = missing.length > 0 && options.seeds >= SEEDS_FOR_COVERAGE;
  process.exitCode = broken.length > 0 || isUncovered ? 1 : 0;
}

/** On standard error, so that `--json` prints one line. */
function tellFailures(broken: readonly RunResult[], choice: Choice): void {
  const isShrunk = values.shrink || !values['keep-going'];
  for (const [index, { seed, violation }] of broken.entries()) {
    const at = ((violation?.atMs ?? 0) / 1_000).toFixed(3);
    console.error(`seed ${seed}: ${violation?.invariant} (at ${at} s)\n    ${violation?.detail}`);
    if (!isShrunk || index >= SHRUNK_MAX) continue;
    const smallest = shrink(scenarioOf(optionsOf(seed, choice)));
    console.error(`    shrunk to ${smallest.schedule.length} faults: ${writeFailure(smallest)}`);
  }
}
