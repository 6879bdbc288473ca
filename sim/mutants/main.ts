import { parseArgs } from 'node:util';
import { keepTraces } from './keep-traces.ts';
import { hunt, type Catch } from './hunt.ts';
import { MUTANTS } from './mutants.ts';
import { UNMISSED } from './unmissed.ts';

/** `npm run sim:mutants`: switches off one guard after the other, and tells which checker missed it first. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    'faulty-ms': { type: 'string', default: '60000' },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    detail: { type: 'boolean', default: false },
    unmissed: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

const NAME_WIDTH = 34;
const options = {
  first: Number(values.seed),
  seeds: Number(values.seeds),
  faultyMs: Number(values['faulty-ms']),
  jobs: Number(values.jobs),
};
const names = values.only.split(',').filter((name) => name !== '');
const all = values.unmissed ? UNMISSED : MUTANTS;
const chosen =
  names.length === 0 ? all : [...MUTANTS, ...UNMISSED].filter(({ name }) => names.includes(name));

function print(line: string): void {
  if (!values.json) console.log(line);
}

function tell({ mutant, seeds, checker, detail, seconds }: Catch): void {
  const figures = `${String(seeds).padStart(6)} ${seconds.toFixed(1).padStart(7)}`;
  print(`${mutant.name.padEnd(NAME_WIDTH)} ${figures}  ${checker ?? 'NOT CAUGHT'}`);
  if (values.detail && detail !== '') print(`    ${detail}`);
}

if (values.keep) {
  await keepTraces(options, (line) => console.log(line));
  process.exit();
}

const waiting = [...chosen];
const catches: Catch[] = [];

async function work(): Promise<void> {
  for (;;) {
    const mutant = waiting.shift();
    if (mutant === undefined) return;
    const outcome = await hunt(mutant, options);
    catches.push(outcome);
    tell(outcome);
  }
}

print(`${'guard switched off'.padEnd(NAME_WIDTH)}  seeds seconds  caught by (seeds from ${options.first})`);
await Promise.all(Array.from({ length: options.jobs }, work));

const missed = catches.filter(({ checker }) => checker === null);
const worst = Math.max(0, ...catches.map(({ seeds }) => seeds));
if (values.json) {
  const caught = catches.length - missed.length;
  console.log(JSON.stringify({ mutants: catches.length, caught, worst_seeds: worst }));
} else {
  print(`${catches.length - missed.length} of ${catches.length} caught, the slowest after ${worst} seeds`);
  for (const { mutant } of missed) print(`not caught: ${mutant.name}: ${mutant.guards}`);
}
process.exitCode = missed.length > 0 || catches.length === 0 ? 1 : 0;
