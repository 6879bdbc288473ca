import { listOf, newCommand, wholeNumber } from '../../scripts/command-line.ts';
import { createProgress } from '../progress.ts';
import { FIXES } from './fixes.ts';
import { hunt, type Catch, type HuntOptions } from './hunt.ts';
import { keepTraces } from './keep-traces.ts';
import { MUTANTS } from './mutants.ts';
import { checkTraces } from './traces.ts';
import { UNMISSED } from './unmissed.ts';

interface Options extends Omit<HuntOptions, 'first'> {
  readonly seed: number;
  readonly only: readonly string[];
  readonly unmissed: boolean;
  readonly fixes: boolean;
  readonly keep: boolean;
  readonly detail: boolean;
  readonly json: boolean;
}

const NAME_WIDTH = 34;

const KNOWN = [...MUTANTS, ...UNMISSED, ...FIXES];

const options = newCommand(
  'sim:mutants',
  'Switches off one guard after the other, and tells which checker missed it first.',
)
  .option('--seeds <count>', 'how many seeds each guard gets at most', wholeNumber(1), 20_000)
  .option('--seed <number>', 'the first of them', wholeNumber(), 1)
  .option('--faulty-ms <ms>', 'how long there are faults, in virtual time', wholeNumber(1), 60_000)
  .option(
    '--only <guards>',
    'these and no others, with commas',
    listOf(
      'guard',
      KNOWN.map(({ name }) => name),
    ),
    [],
  )
  .option('--jobs <count>', 'how many guards at once', wholeNumber(1), 1)
  .option('--unmissed', 'the guards that no seed has missed so far', false)
  .option('--fixes', 'whether each kept scenario fails without the fix that it was kept for', false)
  .option(
    '--keep',
    'find a scenario for each fix that has none, or a stale one, and keep it in sim/regressions',
    false,
  )
  .option('--detail', 'tell what the checker said', false)
  .option('--json', 'print one line for programs', false)
  .parse()
  .opts<Options>();

if (options.fixes) process.exitCode = await tellTraces();
else if (options.keep) await keepTraces({ ...options, first: options.seed }, (line) => console.log(line));
else process.exitCode = await huntAll();

async function tellTraces(): Promise<number> {
  const wrong = await checkTraces((line) => print(line));
  if (options.json) console.log(JSON.stringify({ fixes: FIXES.length, wrong: wrong.length }));
  for (const line of wrong) console.error(line);
  return wrong.length === 0 ? 0 : 1;
}

async function huntAll(): Promise<number> {
  const all = options.unmissed ? UNMISSED : MUTANTS;
  const waiting =
    options.only.length === 0 ? [...all] : KNOWN.filter(({ name }) => options.only.includes(name));
  const count = waiting.length;
  const catches: Catch[] = [];
  const progress = createProgress();

  async function work(): Promise<void> {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { name } = mutant;
      const outcome = await hunt(mutant, { ...options, first: options.seed }, (seed) =>
        progress.show(`${catches.length} of ${count} guards; ${name}: seed ${seed}`),
      );
      catches.push(outcome);
      progress.clear();
      tell(outcome);
    }
  }

  print(`${'guard switched off'.padEnd(NAME_WIDTH)}  seeds seconds  caught by (seeds from ${options.seed})`);
  await Promise.all(Array.from({ length: options.jobs }, work));
  return summarise(catches);
}

function print(line: string): void {
  if (!options.json) console.log(line);
}

function tell({ mutant, seeds, checker, detail, seconds }: Catch): void {
  const figures = `${String(seeds).padStart(6)} ${seconds.toFixed(1).padStart(7)}`;
  print(`${mutant.name.padEnd(NAME_WIDTH)} ${figures}  ${checker ?? 'NOT CAUGHT'}`);
  if (options.detail && detail !== '') print(`    ${detail}`);
}

function summarise(catches: readonly Catch[]): number {
  const missed = catches.filter(({ checker }) => checker === null);
  const worst = Math.max(0, ...catches.map(({ seeds }) => seeds));
  const caught = catches.length - missed.length;
  if (options.json) console.log(JSON.stringify({ mutants: catches.length, caught, worst_seeds: worst }));
  print(`${caught} of ${catches.length} caught, the slowest after ${worst} seeds`);
  for (const { mutant } of missed) print(`not caught: ${mutant.name}: ${mutant.guards}`);
  return missed.length > 0 || catches.length === 0 ? 1 : 0;
}
