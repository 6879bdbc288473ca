import { sendSignal } from '../../src/system/process.ts';
import { measureProcesses, type GroupProcesses, type Usage } from '../usage.ts';
import { quartiles, type Quartiles } from '../statistics.ts';
import type { ProcessUsage } from '../process-usage.ts';
import type { Pgbench, Workload } from './pgbench.ts';

/** One load, with keepers and monitor at work and with all of them frozen. */
export interface Comparison {
  readonly workload: Workload;
  readonly pairs: number;
  readonly tps_with: Quartiles;
  readonly tps_without: Quartiles;
  /** Of the two phases of a pair, with through without. */
  readonly ratio: Quartiles;
  /** What keepers and monitor cost while they are at work. */
  readonly usage: Usage;
}

/**
 * The first second of a phase does not count: what keepers have missed while
 * they were frozen is not what they cost.
 */
const PHASE_SECONDS = 2;

/**
 * One run of a load, in which keepers and monitor are frozen for two seconds
 * and thawed for two, again and again: the machine, its caches and the tables
 * change more slowly than that, and meet both alike.
 *
 * They are frozen, not ended: they keep their connections, so that the servers
 * have the same sessions, and nobody sees them leave. The monitor freezes with
 * the keepers, or it would see all of them fall silent.
 */
export async function compare(
  pgbench: Pgbench,
  workload: Workload,
  processes: GroupProcesses,
  { pairs, clients }: { readonly pairs: number; readonly clients: number },
): Promise<Comparison> {
  const phases: number[] = [];
  let second = 0;
  const onSecond = (tps: number): void => {
    second += 1;
    if (second % PHASE_SECONDS !== 0) return;
    phases.push(tps);
    signalAll(processes, phases.length % 2 === 0 ? 'SIGCONT' : 'SIGSTOP');
  };
  const readUsage = measureProcesses(processes);
  try {
    // One second more: the last one is reported together with the end, or not at all.
    await pgbench.run({ workload, clients, seconds: pairs * 2 * PHASE_SECONDS + 1, onSecond });
  } finally {
    signalAll(processes, 'SIGCONT');
  }
  return summarise(workload, phases, readUsage());
}

function summarise(workload: Workload, phases: readonly number[], usage: Usage): Comparison {
  const tpsWith = phases.filter((_, index) => index % 2 === 0);
  const tpsWithout = phases.filter((_, index) => index % 2 === 1);
  return {
    workload,
    pairs: tpsWithout.length,
    tps_with: quartiles(tpsWith),
    tps_without: quartiles(tpsWithout),
    ratio: quartiles(tpsWithout.map((tps, pair) => (tpsWith[pair] ?? Number.NaN) / tps)),
    usage: { keeper: atWork(usage.keeper), monitor: atWork(usage.monitor) },
  };
}

/** Half of the time they were frozen. */
function atWork(usage: ProcessUsage): ProcessUsage {
  return { ...usage, cpuPercent: usage.cpuPercent * 2 };
}

function signalAll({ monitor, keepers }: GroupProcesses, signal: NodeJS.Signals): void {
  for (const { pid } of [monitor, ...keepers]) sendSignal(pid, signal);
}
