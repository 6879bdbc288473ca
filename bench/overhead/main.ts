/**
 * `npm run bench:overhead`: how much slower PostgreSQL is under keepers, and
 * what they cost at rest and under load. Writes its part of docs/benchmarks.md unless told not to. Run it
 * on a machine that does nothing else.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { queryAsSuperuser } from '../../src/programs/demo/demo-rows.ts';
import { withDemoGroup, type DemoNode } from '../../src/programs/demo/demo-group.ts';
import { whole } from '../../src/programs/demo/measure.ts';
import { newCommand, wholeNumber } from '../../scripts/command-line.ts';
import { replacePart } from '../document-part.ts';
import { measureIdle, restartProcesses } from '../usage.ts';
import { compare, type Comparison } from './compare.ts';
import { preparePgbench, WORKLOADS } from './pgbench.ts';
import { renderPart, renderText, type Overhead } from './report.ts';

interface Options {
  readonly pairs: number;
  readonly clients: number;
  readonly json: boolean;
  readonly docs: boolean;
}

const NODES = 3;
const IDLE_SECONDS = 30;

const root = resolve(import.meta.dirname, '../..');
const { pairs, clients, json, docs } = newCommand(
  'bench:overhead',
  'Measures how much slower PostgreSQL is under keepers, and what they cost at rest and under load.',
)
  .option('--pairs <count>', 'runs of pgbench with keepers, each beside one without', wholeNumber(1), 20)
  .option('--clients <count>', 'clients of pgbench', wholeNumber(1), 4)
  .option('--json', 'print one line for programs', false)
  .option('--no-docs', 'leave docs/benchmarks.md as it is')
  .parse()
  .opts<Options>();

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort());
const { signal } = interruption;

const overhead = await measure();
if (docs) await writePart(join(root, 'docs/benchmarks.md'));
process.stdout.write(json ? `${JSON.stringify(overhead)}\n` : renderText(overhead));

function measure(): Promise<Overhead> {
  const program = [join(root, 'bin/pgbaton')];
  const group = { nodes: NODES, parent: undefined, program, keep: false, signal, say: () => undefined };
  return withDemoGroup(group, async (made) => {
    await whole(made);
    const processes = await restartProcesses(made, signal);
    const idle = await measureIdle(processes, IDLE_SECONDS * 1_000, signal);
    const primary = await whole(made);
    const pgbench = await preparePgbench(primary);
    const before = await describeServer(primary);
    const comparisons: Comparison[] = [];
    for (const workload of WORKLOADS) {
      signal.throwIfAborted();
      comparisons.push(await compare(pgbench, workload, processes, { pairs, clients }));
    }
    const after = await describeServer(primary);
    if (after !== before) throw new Error(`the primary is no more as it was:\n${before}\n${after}`);
    return { clients, idle_seconds: IDLE_SECONDS, idle, comparisons };
  });
}

/** What has to be the same for both, or the comparison is of something else. */
async function describeServer(primary: DemoNode): Promise<string> {
  const rows = await queryAsSuperuser(
    primary,
    `select pg_is_in_recovery(), pg_postmaster_start_time()::text, current_setting('synchronous_standby_names'),
            (select string_agg(application_name || ' ' || sync_state, ', ' order by application_name)
               from pg_stat_replication where state = 'streaming')`,
  );
  return JSON.stringify(rows);
}

async function writePart(file: string): Promise<void> {
  const document = replacePart(readFileSync(file, 'utf8'), 'overhead', renderPart(overhead));
  writeFileSync(file, await format(document, { ...(await resolveConfig(file)), parser: 'markdown' }));
}
