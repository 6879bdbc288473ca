import { sendSignal } from '../../src/system/process.ts';
import { sleep } from '../../src/system/clock.ts';
import { meanOf, summarise, type Mean } from '../statistics.ts';
import { largest, measureProcesses, type GroupProcesses, type Usage } from '../usage.ts';
import type { Pgbench, Workload } from './pgbench.ts';

/** One load, with keepers and monitor at work and with all of them frozen. */
export interface Comparison {
  readonly workload: Workload;
  readonly pairs: number;
  /** Medians. */
  readonly tps_with: number;
  readonly tps_without: number;
  /** Of the two runs of a pair, with through without. */
  readonly ratio: Mean;
  /** What keepers and monitor cost meanwhile. */
  readonly usage: Usage;
}

export interface CompareOptions {
  readonly pairs: number;
  readonly clients: number;
  readonly seconds: number;
  /** Rejects when the servers are not what they were at the start. */
  readonly assertSame: () => Promise<void>;
}

/** After a change of the keepers' state: what they have missed is not what they cost. */
const SETTLE_MS = 1_000;

/**
 * Runs a load again and again, in pairs. The second of each pair is with
 * keepers when the first was without, and every other pair begins the other
 * way round: what drifts meanwhile, tables and caches and the machine, meets
 * both alike.
 */
export async function compare(
  pgbench: Pgbench,
  workload: Workload,
  processes: GroupProcesses,
  { pairs, clients, seconds, assertSame }: CompareOptions,
): Promise<Comparison> {
  const usages: Usage[] = [];
  const [tpsWith, tpsWithout]: [number[], number[]] = [[], []];
  const runWith = async (): Promise<void> => {
    await sleep(SETTLE_MS);
    const read = measureProcesses(processes);
    tpsWith.push(await pgbench.run(workload, { clients, seconds }));
    usages.push(read());
  };
  const runWithout = async (): Promise<void> => {
    await whileFrozen(processes, async () => {
      await sleep(SETTLE_MS);
      tpsWithout.push(await pgbench.run(workload, { clients, seconds }));
    });
    await assertSame();
  };
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? [runWith, runWithout] : [runWithout, runWith];
    for (const run of order) await run();
  }
  return {
    workload,
    pairs,
    tps_with: summarise(tpsWith).median,
    tps_without: summarise(tpsWithout).median,
    ratio: meanOf(tpsWith.map((tps, pair) => tps / (tpsWithout[pair] ?? Number.NaN))),
    usage: {
      keeper: largest(usages.map(({ keeper }) => keeper)),
      monitor: largest(usages.map(({ monitor }) => monitor)),
    },
  };
}

/**
 * Frozen, not ended: they keep their connections, so that the servers have the
 * same sessions, and nobody sees them leave. The monitor has to freeze with
 * them, or it would see all of its nodes fall silent.
 */
async function whileFrozen({ monitor, keepers }: GroupProcesses, use: () => Promise<void>): Promise<void> {
  const pids = [monitor, ...keepers].map(({ pid }) => pid);
  for (const pid of pids) sendSignal(pid, 'SIGSTOP');
  try {
    await use();
  } finally {
    for (const pid of pids) sendSignal(pid, 'SIGCONT');
  }
}
