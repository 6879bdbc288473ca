import { sendSignal } from '../../src/system/process.ts';
import type { ClusterNode } from './cluster-node.ts';

/**
 * Kills a primary that has rows which no standby has: they were never
 * acknowledged to anybody who asked for that, and go when another node reigns.
 */
export async function killWithUnacknowledgedRows(primary: ClusterNode): Promise<void> {
  await primary.sql(
    'create table if not exists unacknowledged (id bigserial, written timestamptz default now())',
  );
  // Stopped receivers would still find what was sent to them when they go on; stopped senders send nothing.
  const senders = await primary.sql<{ pid: number }>('select pid from pg_stat_replication');
  for (const { pid } of senders) sendSignal(pid, 'SIGSTOP');
  await primary.sql(
    'set synchronous_commit = local; insert into unacknowledged select from generate_series(1, 100)',
  );
  await primary.killAllOfPostgres();
}
