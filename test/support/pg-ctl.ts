import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/postgres/binaries.ts';
import type { ClusterNode } from './cluster-node.ts';
import { cleanEnvironment } from './cluster-process.ts';

type Server = Pick<ClusterNode, 'pgdata' | 'place'>;

export type StopMode = 'smart' | 'fast' | 'immediate';

/** `pg_ctl start`, as a machine does that starts all its services, or somebody who does not know of pgbaton. */
export function startByHand(server: Server): Promise<void> {
  // A server without a log of its own would keep pg_ctl's pipes open for ever.
  return pgCtl(server, ['start', '-w', '-l', `${server.pgdata}.by-hand.log`]);
}

/** `pg_ctl promote`; not waited for, because a keeper may have stopped the server before it is done. */
export function promoteByHand(server: Server): Promise<void> {
  return pgCtl(server, ['promote', '-W']);
}

/** `pg_ctl stop`, by somebody who does not know of pgbaton; not waited for, because a keeper may start it again. */
export function stopByHand(server: Server, mode: StopMode): Promise<void> {
  return pgCtl(server, ['stop', '-W', '-m', mode]);
}

async function pgCtl({ place, pgdata }: Server, args: readonly string[]): Promise<void> {
  const { binDirectory } = await findBinaries();
  const command = place.command([join(binDirectory, 'pg_ctl'), ...args, '-D', pgdata, '-s']);
  const [file = '', ...rest] = command;
  await promisify(execFile)(file, rest, {
    env: cleanEnvironment(),
    timeout: 60_000,
  });
}
