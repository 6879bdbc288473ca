import { readFileSync } from 'node:fs';

/** What a process costs. */
export interface ProcessUsage {
  /** Everything that is in memory for it, the shared pages of the Node binary included. */
  readonly residentMb: number;
  /** What is its own and could not be read again from a file. */
  readonly anonymousMb: number;
  /** Share of one core since the measurement began, per cent. */
  readonly cpuPercent: number;
}

/** `getconf CLK_TCK` is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Begins to measure; the answer covers the time from now to the call. */
export function measureUsage(pid: number): () => ProcessUsage {
  const beganMs = performance.now();
  const ticksBefore = cpuTicks(pid);
  return () => {
    const seconds = (performance.now() - beganMs) / 1_000;
    const usedSeconds = (cpuTicks(pid) - ticksBefore) / TICKS_PER_SECOND;
    const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return {
      residentMb: kilobytes(memory, 'Rss') / 1_024,
      anonymousMb: kilobytes(memory, 'Anonymous') / 1_024,
      cpuPercent: (usedSeconds / seconds) * 100,
    };
  };
}

function cpuTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // utime and stime are the 14th and 15th field; the first two are cut off.
  return Number(fields[11]) + Number(fields[12]);
}

function kilobytes(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
}
