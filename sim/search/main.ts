import { parseArgs } from 'node:util';
import { search } from './explore.ts';
import { OPERATIONS, type Operation } from './faults.ts';

/** `npm run sim:search`: every state that a group of three can come into within the bounds. */
const { values } = parseArgs({
  options: {
    transactions: { type: 'string', default: '2' },
    crashes: { type: 'string', default: '2' },
    cuts: { type: 'string', default: '1' },
    restarts: { type: 'string', default: '1' },
    operations: { type: 'string', default: '1' },
    pauses: { type: 'string', default: '0' },
    operators: { type: 'string', default: OPERATIONS.join() },
    'states-max': { type: 'string', default: '20000000' },
    json: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
});

const bounds = {
  transactions: Number(values.transactions),
  crashes: Number(values.crashes),
  cuts: Number(values.cuts),
  restarts: Number(values.restarts),
  operations: Number(values.operations),
  pauses: Number(values.pauses),
};
const startedMs = performance.now();
const result = search({
  bounds,
  operations: values.operators
    .split(',')
    .filter((each): each is Operation => OPERATIONS.includes(each as Operation)),
  statesMax: Number(values['states-max']),
  ...(values.json || values.quiet
    ? {}
    : {
        onProgress: (states: number, waiting: number, depth: number) =>
          console.error(
            `${((performance.now() - startedMs) / 1_000).toFixed(0)} s: ${states} states, ${waiting} waiting, depth ${depth}, ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
          ),
      }),
});

const { states, deadEnds, violation, seconds } = result;
if (values.json) {
  console.log(
    JSON.stringify({
      states,
      violations: violation === null ? 0 : 1,
      dead_ends: deadEnds,
      seconds: Number(seconds.toFixed(1)),
    }),
  );
} else {
  for (const line of result.trace) console.log(line);
  if (violation !== null) console.log(`broken: ${violation}`);
  console.log(
    `three nodes; at most ${Object.entries(bounds)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')}`,
  );
  console.log(
    `${states} states (${result.healthy} healthy), ${result.transitions} transitions, depth ${result.depth}, terms up to ${result.termMax}, ` +
      `${Math.round(states / seconds)} states/s, ${seconds.toFixed(1)} s${result.isComplete ? '' : ', not complete'}`,
  );
  console.log(`${violation === null ? 0 : 1} violations, ${deadEnds} dead ends`);
}
process.exitCode = violation === null && deadEnds === 0 && result.isComplete ? 0 : 1;
