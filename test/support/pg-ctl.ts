import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/postgres/binaries.ts';
import type { ClusterNode } from './cluster-node.ts';
import { cleanEnvironment } from './cluster-process.ts';

/** What somebody does who does not know that pgbaton looks after this server. Throws when pg_ctl fails. */
export async function pgCtl(
  { pgdata }: Pick<ClusterNode, 'pgdata'>,
  ...args: readonly string[]
): Promise<void> {
  const { binDirectory } = await findBinaries();
  // The server would keep the pipes open, and pg_ctl would seem not to end.
  const log = args[0] === 'start' ? ['-l', `${pgdata}.by-hand.log`] : [];
  await promisify(execFile)(join(binDirectory, 'pg_ctl'), [...args, '-D', pgdata, '-s', '-w', ...log], {
    env: cleanEnvironment(),
    timeout: 60_000,
  });
}

/** `pg_ctl start`, as a machine does that starts all its services. */
export function startByHand(node: Pick<ClusterNode, 'pgdata'>): Promise<void> {
  return pgCtl(node, 'start');
}
