import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Violation } from './checkers.ts';
import { listOf, newCommand, oneOf, refuse, wholeNumber } from '../scripts/command-line.ts';
import { SEEDS_FOR_COVERAGE, unreached } from './coverage.ts';
import { FAULTS } from './faults.ts';
import { optionsOf, type Choice } from './options.ts';
import { createProgress } from './progress.ts';
import { runMany } from './run-many.ts';
import type { RunResult } from './run.ts';
import { scenarioOf, type Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { createTotals } from './totals.ts';
import { tellStory, writeFailure } from './write-failure.ts';

interface Options extends Omit<Choice, 'without'> {
  readonly seeds: number;
  readonly seed?: number;
  readonly jobs: number;
  readonly without: readonly string[];
  readonly keepGoing: boolean;
  readonly shrink: boolean;
  readonly replay?: string;
  readonly trace: boolean;
  readonly json: boolean;
}

const command = newCommand('sim', 'Lives of whole groups, each from its own seed, with faults in every one.')
  .option('--seeds <count>', 'how many lives', wholeNumber(1), 200)
  .option('--seed <number>', 'the first seed; without it one is drawn and told', wholeNumber())
  .option('--jobs <count>', 'how many at once', wholeNumber(1), availableParallelism())
  .option('--nodes <count>', 'how many nodes each group has (a mix of two to five)', wholeNumber(1))
  // With the bring-up before and the recovery behind them about five minutes.
  .option('--faulty-ms <ms>', 'how long there are faults, in virtual time', wholeNumber(1), 275_000)
  .option(
    '--without <faults>',
    'faults that are left out, with commas',
    listOf('fault', Object.keys(FAULTS)),
    [],
  )
  .option('--durability <policy>', 'async: groups whose commits wait for nobody', oneOf(['async']))
  .option('--store <home>', 'where the record lives: monitor or etcd (a mix)', oneOf(['monitor', 'etcd']))
  .option('--keep-going', 'go on after a failure', false)
  .option('--shrink', 'make failures small with --keep-going too', false)
  .option('--trace', 'tell the story of the first seed when none fails', false)
  .option('--replay <file>', 'tell the story of a scenario that was kept, and nothing else')
  .option('--json', 'print one line for programs', false)
  .parse();
const options = command.opts<Options>();

/** How many failures are shrunk at most: each takes some seconds. */
const SHRUNK_MAX = 20;

if (options.replay === undefined) await runAll(options);
else console.log(tellStory(readScenario(options.replay)));

function readScenario(file: string): Scenario {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Scenario;
  } catch (error) {
    return refuse(
      command,
      `${file} is no scenario: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function runAll(choice: Options): Promise<void> {
  const first = choice.seed ?? Math.floor(Math.random() * 1_000_000_000);
  // First of all, so that it is known whatever happens then.
  if (choice.seed === undefined) console.error(`seed ${first}`);

  const totals = createTotals();
  const progress = createProgress();
  const broken: RunResult[] = [];
  let done = 0;
  await runMany({ ...choice, first, keepsGoing: choice.keepGoing }, (result) => {
    totals.add(result);
    if (result.violation !== undefined) {
      progress.clear();
      tellFailure(result.seed, result.violation);
      broken.push(result);
    }
    progress.show(`${(done += 1)} of ${choice.seeds} seeds, ${broken.length} failures`);
  });
  progress.clear();

  const missing = unreached(totals.counts);
  if (choice.json) console.log(JSON.stringify({ ...totals.summary(), rules_unreached: missing }));
  else console.log(totals.describe(first, missing));
  if (choice.trace && broken.length === 0) console.log(tellStory(scenarioOf(optionsOf(first, choice))));
  if (choice.shrink || !choice.keepGoing) shrinkAll(broken, choice);
  const isUncovered = missing.length > 0 && choice.seeds >= SEEDS_FOR_COVERAGE;
  process.exitCode = broken.length > 0 || isUncovered ? 1 : 0;
}

/** As soon as it is found; on standard error, so that `--json` prints one line. What there is to read of it comes with its story. */
function tellFailure(seed: number, { invariant, detail, atMs }: Violation): void {
  console.error(`seed ${seed}: ${invariant} (at ${(atMs / 1_000).toFixed(3)} s): ${detail.split('\n')[0]}`);
}

function shrinkAll(broken: readonly RunResult[], choice: Options): void {
  for (const { seed } of broken.slice(0, SHRUNK_MAX)) {
    const smallest = shrink(scenarioOf(optionsOf(seed, choice)));
    console.error(`seed ${seed} shrunk to ${smallest.schedule.length} faults: ${writeFailure(smallest)}`);
  }
}
