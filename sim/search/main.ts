import { RULE_NAMES } from '../../src/core/decide.ts';
import { listOf, newCommand, wholeNumber } from '../../scripts/command-line.ts';
import { createProgress } from '../progress.ts';
import { search, type SearchResult } from './explore.ts';
import { OPERATIONS, type Operation } from './faults.ts';
import { NOTHING, slice, SLICES, type Slice } from './slices.ts';
import type { Bounds } from './state.ts';

type Options = Partial<Bounds> & {
  readonly operators: readonly Operation[];
  readonly statesMax: number;
  readonly json: boolean;
};

const BOUNDS = Object.keys(NOTHING) as (keyof Bounds)[];

const command = newCommand(
  'sim:search',
  'Goes through every state that a group of three can come into within the bounds of each slice.\n' +
    'With a bound given only through that one slice, the other bounds being 0.',
);
for (const bound of BOUNDS)
  command.option(`--${bound} <count>`, `how many ${bound} there are at most`, wholeNumber());
const options = command
  .option(
    '--operators <operations>',
    'what people may ask for, with commas',
    listOf('operation', OPERATIONS),
    OPERATIONS,
  )
  .option('--states-max <count>', 'ends a slice unfinished after so many states', wholeNumber(1), 20_000_000)
  .option('--json', 'print one line for programs', false)
  .parse()
  .opts<Options>();

const given = Object.fromEntries(
  BOUNDS.flatMap((bound) => (options[bound] === undefined ? [] : [[bound, options[bound]]])),
) as Partial<Bounds>;
const slices: readonly Slice[] = Object.keys(given).length > 0 ? [slice(given, options.operators)] : SLICES;
const progress = createProgress();

function describeBounds(bounds: Bounds): string {
  return Object.entries(bounds)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}

function tell(bounds: Bounds, result: SearchResult): void {
  const { states, healthy, transitions: steps, depth, termMax, seconds, violation, deadEnds } = result;
  for (const line of result.trace) console.log(line);
  if (violation !== null) console.log(`broken: ${violation}`);
  console.log(
    `at most ${describeBounds(bounds)}: ${states} states (${healthy} healthy), ${steps} transitions, depth ${depth}, ` +
      `terms up to ${termMax}, ${Math.round(states / seconds)} states/s, ${seconds.toFixed(1)} s; ` +
      `${violation === null ? 0 : 1} violations, ${deadEnds} dead ends${result.isComplete ? '' : ', not complete'}`,
  );
}

function showProgress(states: number, waiting: number, depth: number): void {
  const megabytes = Math.round(process.memoryUsage().rss / 1e6);
  progress.show(`${states} states, ${waiting} waiting, depth ${depth}, ${megabytes} MB`);
}

const startedMs = performance.now();
const spoken = new Set<string>();
let [states, violations, deadEnds, incomplete] = [0, 0, 0, 0];
for (const { bounds, operations: allowed } of slices) {
  const result = search({
    bounds,
    operations: allowed,
    statesMax: options.statesMax,
    onProgress: showProgress,
  });
  progress.clear();
  for (const rule of result.rules) spoken.add(rule);
  states += result.states;
  violations += result.violation === null ? 0 : 1;
  deadEnds += result.deadEnds;
  incomplete += result.isComplete ? 0 : 1;
  if (!options.json) tell(bounds, result);
}

const seconds = Number(((performance.now() - startedMs) / 1_000).toFixed(1));
if (options.json) console.log(JSON.stringify({ states, violations, dead_ends: deadEnds, seconds }));
else {
  const unreached = RULE_NAMES.filter((rule) => !spoken.has(rule));
  if (unreached.length > 0) console.log(`rules never reached: ${unreached.join(', ')}`);
  console.log(
    `three nodes, ${slices.length} slices: ${states} states in ${seconds} s; ${violations} violations, ${deadEnds} dead ends`,
  );
}
process.exitCode = violations + deadEnds + incomplete === 0 ? 0 : 1;
