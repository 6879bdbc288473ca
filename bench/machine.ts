import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../src/postgres/binaries.ts';

/** Where the figures were taken, as far as it matters for them. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly kernel: string;
  readonly node: string;
  readonly postgres: string;
  readonly pgbaton: string;
  /** Of the last minute before the start: how busy it was with other things. */
  readonly loadAverage: number;
}

export async function describeMachine(root: string): Promise<Machine> {
  const { binDirectory } = await findBinaries();
  const version = execFileSync(join(binDirectory, 'postgres'), ['--version'], { encoding: 'utf8' });
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1_024 ** 3),
    system: /^PRETTY_NAME="(.*)"/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux',
    kernel: release(),
    node: process.versions.node,
    postgres: /[\d.]+/.exec(version)?.[0] ?? version.trim(),
    pgbaton: manifest.version,
    loadAverage: loadavg()[0] ?? Number.NaN,
  };
}
