import { parseArgs } from 'node:util';
import { RULE_NAMES } from '../../src/core/decide.ts';
import { search, type SearchResult } from './explore.ts';
import { OPERATIONS, type Operation } from './faults.ts';
import { slice, SLICES, type Slice } from './slices.ts';
import type { Bounds } from './state.ts';

/**
 * `npm run sim:search`: every state that a group of three can come into within
 * the bounds of each slice. With a bound given only that one slice, the others
 * of its bounds being 0.
 */
const { values } = parseArgs({
  options: {
    transactions: { type: 'string' },
    crashes: { type: 'string' },
    cuts: { type: 'string' },
    restarts: { type: 'string' },
    operations: { type: 'string' },
    pauses: { type: 'string' },
    operators: { type: 'string', default: OPERATIONS.join() },
    'states-max': { type: 'string', default: '20000000' },
    json: { type: 'boolean', default: false },
    progress: { type: 'boolean', default: false },
  },
});

const { transactions, crashes, cuts, restarts, operations, pauses } = values;
const asked = { transactions, crashes, cuts, restarts, operations, pauses };
const isOneSlice = Object.values(asked).some((bound) => bound !== undefined);
const operators = values.operators
  .split(',')
  .filter((each): each is Operation => OPERATIONS.includes(each as Operation));
const slices: readonly Slice[] = isOneSlice ? [slice(onlyGiven(asked), operators)] : SLICES;

function onlyGiven(bounds: Readonly<Record<string, string | undefined>>): Partial<Bounds> {
  const given = Object.entries(bounds).filter(([, bound]) => bound !== undefined);
  return Object.fromEntries(given.map(([what, bound]) => [what, Number(bound)]));
}

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
  console.error(`${states} states, ${waiting} waiting, depth ${depth}, ${megabytes} MB`);
}

const startedMs = performance.now();
const spoken = new Set<string>();
let [states, violations, deadEnds, incomplete] = [0, 0, 0, 0];
for (const { bounds, operations: allowed } of slices) {
  const result = search({
    bounds,
    operations: allowed,
    statesMax: Number(values['states-max']),
    ...(values.progress ? { onProgress: showProgress } : {}),
  });
  for (const rule of result.rules) spoken.add(rule);
  states += result.states;
  violations += result.violation === null ? 0 : 1;
  deadEnds += result.deadEnds;
  incomplete += result.isComplete ? 0 : 1;
  if (!values.json) tell(bounds, result);
}

const seconds = Number(((performance.now() - startedMs) / 1_000).toFixed(1));
if (values.json) console.log(JSON.stringify({ states, violations, dead_ends: deadEnds, seconds }));
else {
  const unreached = RULE_NAMES.filter((rule) => !spoken.has(rule));
  if (unreached.length > 0) console.log(`rules never reached: ${unreached.join(', ')}`);
  console.log(
    `three nodes, ${slices.length} slices: ${states} states in ${seconds} s; ${violations} violations, ${deadEnds} dead ends`,
  );
}
process.exitCode = violations + deadEnds + incomplete === 0 ? 0 : 1;
