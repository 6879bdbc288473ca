import type { DemoGroup } from '../src/programs/demo/demo-group.ts';
import type { DemoProcess } from '../src/programs/demo/demo-process.ts';
import { whole } from '../src/programs/demo/measure.ts';
import { sleep } from '../src/system/clock.ts';
import { measureUsage, type ProcessUsage } from './process-usage.ts';

/** The processes of a group that are not PostgreSQL's. */
export interface GroupProcesses {
  readonly monitor: DemoProcess;
  readonly keepers: readonly DemoProcess[];
}

/** What they cost. */
export interface Usage {
  /** Of each figure the one of the keeper in which it is largest. */
  readonly keeper: ProcessUsage;
  readonly monitor: ProcessUsage;
}

/** After a change the keepers look closely for ten seconds; only then are they at rest. */
const SETTLE_MS = 15_000;

/** Starts them as a service manager does, and waits until they have come to rest. */
export async function restartProcesses(group: DemoGroup, signal: AbortSignal): Promise<GroupProcesses> {
  if (group.home.monitor === undefined) throw new Error('the group has no monitor to measure');
  const monitor = await group.restart(group.home.monitor, group.home.directory);
  const keepers = await Promise.all(
    group.nodes.map((node) => group.restart(node.process, node.dataDirectory)),
  );
  await whole(group);
  await sleep(SETTLE_MS, signal);
  return { monitor, keepers };
}

/** Begins to measure; the answer covers the time from now to the call. */
export function measureProcesses({ monitor, keepers }: GroupProcesses): () => Usage {
  const readKeepers = keepers.map(({ pid }) => measureUsage(pid));
  const readMonitor = measureUsage(monitor.pid);
  return () => ({ keeper: largest(readKeepers.map((read) => read())), monitor: readMonitor() });
}

export async function measureIdle(
  processes: GroupProcesses,
  idleMs: number,
  signal: AbortSignal,
): Promise<Usage> {
  const read = measureProcesses(processes);
  await sleep(idleMs, signal);
  return read();
}

/** Of each figure the largest. */
function largest(usages: readonly ProcessUsage[]): ProcessUsage {
  const most = (pick: (usage: ProcessUsage) => number): number => Math.max(...usages.map(pick));
  return {
    residentMb: most(({ residentMb }) => residentMb),
    anonymousMb: most(({ anonymousMb }) => anonymousMb),
    cpuPercent: most(({ cpuPercent }) => cpuPercent),
  };
}
