import { NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting } from './steps.ts';

export const disks: readonly Scenario[] = [
  {
    title: 'the disk of the primary is full, and emptied',
    nodes: [2, 3],
    reign: 'either',
    hasDisks: true,
    async play(stage) {
      const primary = await stage.cluster.primary();
      stage.fault();
      stage.disk(primary).fill();
      await primary.sql('select pg_switch_wal()').catch(() => undefined);
      await lasting(15);
      stage.disk(primary).free();
      await stage.clients.progress();
    },
  },
  {
    title: 'the disk of a standby is full, and emptied',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    hasDisks: true,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.fault();
      stage.disk(standby).fill();
      await lasting(10);
      await stage.clients.progress();
    },
  },
  {
    title: 'the disk of the primary hangs, and comes back',
    nodes: [2, 3],
    reign: 'either',
    hasDisks: true,
    async play(stage) {
      const primary = await stage.cluster.primary();
      stage.fault();
      stage.disk(primary).freeze();
      await lasting(20);
      stage.disk(primary).thaw();
      await stage.clients.progress();
    },
  },
  {
    title: 'the disk of a standby hangs, and comes back',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    hasDisks: true,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.fault();
      stage.disk(standby).freeze();
      await lasting(10);
      await stage.clients.progress();
      stage.disk(standby).thaw();
    },
  },
];
