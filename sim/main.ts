import { parseArgs } from 'node:util';
import { RULE_NAMES } from '../src/core/decide.ts';
import { KNOWN_HOLES } from './faults.ts';
import { runSeed, type RunOptions, type RunResult } from './run.ts';

/** `npm run sim -- --seeds 1000 --seed 1`: that many lives of a group, each from its own seed. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    seed: { type: 'string' },
    nodes: { type: 'string' },
    'faulty-ms': { type: 'string', default: '275000' },
    'keep-going': { type: 'boolean', default: false },
    without: { type: 'string', default: '' },
    'with-holes': { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const TRACE_LINES = 120;

/** The options of a seed follow from the seed, so that the seed alone reproduces a run. */
function optionsOf(seed: number): RunOptions {
  return {
    seed,
    nodes: values.nodes === undefined ? [2, 3, 3, 3, 4, 5][seed % 6]! : Number(values.nodes),
    faultyMs: Number(values['faulty-ms']),
    without: [...values.without.split(','), ...(values['with-holes'] ? [] : KNOWN_HOLES)],
  };
}

function traceOf(seed: number): readonly string[] {
  const lines: string[] = [];
  runSeed({ ...optionsOf(seed), onTrace: (line) => lines.push(line) });
  return lines;
}

const first = values.seed === undefined ? Math.floor(Math.random() * 1_000_000_000) : Number(values.seed);
const startedMs = performance.now();
const totals = new Map<string, number>();
const broken: RunResult[] = [];
let [acknowledged, reigns, events, virtualMs, seeds, worstConvergeMs] = [0, 0, 0, 0, 0, 0];

for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const result = runSeed(optionsOf(seed));
  seeds += 1;
  acknowledged += result.acknowledged;
  reigns += result.reigns;
  events += result.events;
  virtualMs += result.virtualMs;
  worstConvergeMs = Math.max(worstConvergeMs, result.convergedAfterMs ?? 0);
  for (const [what, count] of result.counts) totals.set(what, (totals.get(what) ?? 0) + count);
  if (result.violation === undefined) continue;
  broken.push(result);
  if (!values['keep-going']) break;
}

const seconds = (performance.now() - startedMs) / 1_000;
const faults = [...totals]
  .filter(([what]) => what.startsWith('fault '))
  .reduce((sum, [, count]) => sum + count, 0);
const unreached = RULE_NAMES.filter((rule) => !totals.has(`rule ${rule}`));

if (values.json) {
  const unconverged = broken.filter(({ violation }) => violation?.invariant.startsWith('I27')).length;
  console.log(
    JSON.stringify({
      seeds,
      seeds_per_min: Math.round((seeds / seconds) * 60),
      failovers: reigns - seeds,
      faults,
      violations: broken.length - unconverged,
      unconverged,
      rules_unreached: unreached,
    }),
  );
} else {
  if (values.trace && broken.length === 0) console.log(traceOf(first).join('\n'));
  for (const { seed, violation } of broken) {
    console.log(
      `SEED=${seed}: ${violation?.invariant} (at ${((violation?.atMs ?? 0) / 1_000).toFixed(3)} s)\n    ${violation?.detail}`,
    );
  }
  const last = broken.at(-1);
  if (last !== undefined && !values['keep-going']) {
    const lines = traceOf(last.seed);
    console.log((values.trace ? lines : lines.slice(-TRACE_LINES)).join('\n'));
  }
  for (const [what, count] of [...totals].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`${String(count).padStart(9)} ${what}`);
  console.log(
    `${seeds} seeds from ${first} in ${seconds.toFixed(1)} s (${Math.round((seeds / seconds) * 60)}/min, ${Math.round(events / seconds / 1_000)} k events/s), ` +
      `${Math.round(virtualMs / 3_600_000)} virtual hours, ${reigns - seeds} changes of reign, ${faults} faults, ` +
      `${acknowledged} commits, slowest recovery ${(worstConvergeMs / 1_000).toFixed(1)} s, ${broken.length} failed`,
  );
  if (unreached.length > 0) console.log(`rules never reached: ${unreached.join(', ')}`);
}
process.exitCode = broken.length > 0 ? 1 : 0;
