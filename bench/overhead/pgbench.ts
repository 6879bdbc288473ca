import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findBinaries } from '../../src/postgres/binaries.ts';
import type { DemoNode } from '../../src/programs/demo/demo-group.ts';
import { superuser } from '../../src/programs/demo/demo-rows.ts';

/** The names by which pgbench knows its own scripts. */
export const WORKLOADS = ['select-only', 'tpcb-like'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** A branch for each client at least: with fewer, TPC-B measures nothing but its own locks. */
const SCALE = 20;
/** Beside the time that it is asked to run. */
const LIMIT_MS = 60_000;

export interface Load {
  readonly workload: Workload;
  readonly clients: number;
  readonly seconds: number;
  /** Called at the end of each second with the transactions of that second. */
  readonly onSecond: (tps: number) => void;
}

export interface Pgbench {
  /** One run without a break. Rejects when pgbench fails, or does not end. */
  run(load: Load): Promise<void>;
}

/** Makes pgbench's tables on a server. Rejects as {@link Pgbench.run} does. */
export async function preparePgbench({ host, port }: DemoNode): Promise<Pgbench> {
  const { binDirectory } = await findBinaries();
  const pgbench = async (
    args: readonly string[],
    limitMs: number,
    onLine: (line: string) => void,
  ): Promise<void> => {
    const where = ['-h', host, '-p', String(port), '-U', superuser(), 'postgres'];
    const child = spawn(join(binDirectory, 'pgbench'), [...args, ...where], {
      timeout: limitMs,
      // Of the caller's own settings none may reach it.
      env: { PGSSLMODE: 'disable' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      onLine(line);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0)
      throw new Error(`pgbench ended with ${code ?? 'a signal'}:\n${said.slice(-5).join('\n')}`);
  };
  await pgbench(['--initialize', '--quiet', '--scale', String(SCALE)], LIMIT_MS, () => undefined);
  return {
    async run({ workload, clients, seconds, onSecond }) {
      const load = ['--builtin', workload, '--no-vacuum', '--protocol', 'prepared'];
      const size = ['--client', String(clients), '--jobs', '2', '--time', String(seconds), '--progress', '1'];
      await pgbench([...load, ...size], LIMIT_MS + seconds * 1_000, (line) => {
        const tps = /^progress: .* ([\d.]+) tps/.exec(line)?.[1];
        if (tps !== undefined) onSecond(Number(tps));
      });
    },
  };
}
