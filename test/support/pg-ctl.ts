import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/postgres/binaries.ts';
import type { ClusterNode } from './cluster-node.ts';
import { cleanEnvironment } from './cluster-process.ts';

type Server = Pick<ClusterNode, 'pgdata'>;

/** `pg_ctl start`, as a machine does that starts all its services, or somebody who does not know of pgbaton. */
export function startByHand({ pgdata }: Server): Promise<void> {
  // A server without a log of its own would keep pg_ctl's pipes open for ever.
  return pgCtl(['start', '-w', '-D', pgdata, '-l', `${pgdata}.by-hand.log`]);
}

/** `pg_ctl promote`; not waited for, because a keeper may have stopped the server before it is done. */
export function promoteByHand({ pgdata }: Server): Promise<void> {
  return pgCtl(['promote', '-W', '-D', pgdata]);
}

async function pgCtl(args: readonly string[]): Promise<void> {
  const { binDirectory } = await findBinaries();
  await promisify(execFile)(join(binDirectory, 'pg_ctl'), [...args, '-s'], {
    env: cleanEnvironment(),
    timeout: 60_000,
  });
}
