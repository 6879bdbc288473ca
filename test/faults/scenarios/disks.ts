import { BOTH_OPEN_UNTIL_FENCED_MS, NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting } from './steps.ts';

export const disks: readonly Scenario[] = [
  {
    title: 'the disk of the primary is full, and emptied',
    nodes: [2, 3],
    reign: 'changes',
    hasDisks: true,
    async play(stage) {
      const primary = await stage.cluster.primary();
      stage.fault();
      stage.disk(primary).fill();
      // WAL is written into files that are there already: only the next one needs room.
      await primary.sql('select pg_switch_wal()').catch(() => undefined);
      await stage.newPrimary();
      await stage.cluster.waitUntilNode(primary, 'its full disk to be told', ({ problem }) =>
        /no space left/i.test(problem ?? ''),
      );
      await stage.clients.progress();
      stage.disk(primary).free();
      await stage.clients.progress();
    },
  },
  {
    title:
      'the disk of the primary is full and its host frozen, and another has taken over when that is thawed',
    nodes: [2, 3],
    reign: 'changes',
    hasDisks: true,
    async play(stage) {
      const old = await stage.cluster.primary();
      stage.fault();
      stage.disk(old).fill();
      stage.freeze(old);
      await stage.newPrimary();
      await stage.clients.progress();
      stage.thaw(old);
      // Its keeper can write down nothing of all that.
      await stage.cluster.waitUntilNode(
        old,
        'the old primary to be ended',
        ({ health, connection }) => health === 'good' && connection === 'none',
      );
      stage.disk(old).free();
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
    title: 'the disk of the primary hangs, and comes back when another has taken over',
    nodes: [2, 3],
    reign: 'changes',
    hasDisks: true,
    // Its keeper can act on nothing before it has given up on the disk, and SIGQUIT is tried before SIGKILL.
    bothOpenMs: BOTH_OPEN_UNTIL_FENCED_MS,
    async play(stage) {
      const primary = await stage.cluster.primary();
      stage.fault();
      stage.disk(primary).freeze();
      await stage.newPrimary();
      await stage.clients.progress();
      await lasting(10);
      stage.disk(primary).thaw();
      await stage.clients.progress();
    },
  },
  {
    title: 'the disk of the primary hangs for a while',
    nodes: [3],
    reign: 'stays',
    hasDisks: true,
    async play(stage) {
      const primary = await stage.cluster.primary();
      stage.fault();
      stage.disk(primary).freeze();
      await lasting(8);
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
