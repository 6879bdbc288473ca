import { PROCESS_KILLED, NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';

export const membership: readonly Scenario[] = [
  {
    title: 'a node is dropped, and another is added',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    isLast: true,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.fault();
      await stage.cluster.run('drop', 'node', '--destroy', '--pgdata', standby.pgdata);
      await standby.keeper().end();
      stage.cluster.forget(standby);
      await stage.clients.progress();
      await stage.addNode();
      await stage.cluster.settled({ nodes: 3 });
    },
  },
  {
    title: 'the primary is dropped',
    nodes: [3],
    reign: 'changes',
    isLast: true,
    async play(stage) {
      const primary = await stage.cluster.primary();
      stage.fault();
      await stage.cluster.run('drop', 'node', '--destroy', '--pgdata', primary.pgdata);
      await primary.keeper().end();
      stage.cluster.forget(primary);
      await stage.clients.progress();
    },
  },
  {
    title: 'the PostgreSQL of the primary is killed while a new node copies it',
    nodes: [2, 3],
    reign: 'changes',
    budget: PROCESS_KILLED,
    isLast: true,
    async play(stage) {
      const old = await stage.cluster.primary();
      // Slow enough to be in the middle of it.
      const node = await stage.addNode(['--maximum-backup-rate', '2M']);
      await stage.cluster.waitUntilNode(node, 'its registration', () => true);
      const isCopied = `select 1 from pg_stat_progress_basebackup where phase = 'streaming database files'`;
      while ((await old.sql(isCopied)).length === 0);
      stage.fault();
      await old.killPostgres();
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
];
