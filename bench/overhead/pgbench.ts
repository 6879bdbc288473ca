import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/postgres/binaries.ts';
import type { DemoNode } from '../../src/programs/demo/demo-group.ts';
import { superuser } from '../../src/programs/demo/demo-rows.ts';

/** The names by which pgbench knows its own scripts. */
export const WORKLOADS = ['select-only', 'tpcb-like'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** One for each branch at least: with more clients than branches TPC-B measures nothing but its own locks. */
const SCALE = 20;
const LIMIT_MS = 60_000;

export interface Pgbench {
  /** Transactions a second, connecting left out. */
  run(workload: Workload, options: { readonly clients: number; readonly seconds: number }): Promise<number>;
}

/** Makes pgbench's tables on a server. Rejects when pgbench fails, or does not end. */
export async function preparePgbench({ host, port }: DemoNode): Promise<Pgbench> {
  const { binDirectory } = await findBinaries();
  const pgbench = async (args: readonly string[], limitMs: number): Promise<string> => {
    const where = ['-h', host, '-p', String(port), '-U', superuser(), 'postgres'];
    const { stdout } = await promisify(execFile)(join(binDirectory, 'pgbench'), [...args, ...where], {
      timeout: limitMs,
      // Of the caller's own settings none may reach it.
      env: { PGSSLMODE: 'disable' },
    });
    return stdout;
  };
  await pgbench(['--initialize', '--quiet', '--scale', String(SCALE)], LIMIT_MS);
  return {
    async run(workload, { clients, seconds }) {
      const load = ['--builtin', workload, '--no-vacuum', '--protocol', 'prepared'];
      const size = ['--client', String(clients), '--jobs', '2', '--time', String(seconds)];
      const said = await pgbench([...load, ...size], LIMIT_MS + seconds * 1_000);
      const tps = Number(/^tps = ([\d.]+)/m.exec(said)?.[1]);
      if (Number.isFinite(tps)) return tps;
      throw new Error(`pgbench did not say how fast it was:\n${said}`);
    },
  };
}
