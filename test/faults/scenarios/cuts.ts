import { ALONE, HOST_LOST, NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting, missed } from './steps.ts';

const WAYS = [
  { how: 'drop', words: 'silently' },
  { how: 'reject', words: 'with refusals' },
] as const;

const DIRECTIONS = [
  { direction: 'out', words: 'what the primary sends is lost' },
  { direction: 'in', words: 'what is sent to the primary is lost' },
] as const;

export const cuts: readonly Scenario[] = [
  ...WAYS.flatMap(({ how, words }): readonly Scenario[] => [
    {
      title: `the primary is cut off from everything, ${words}`,
      nodes: [2, 3],
      reign: 'changes',
      budget: HOST_LOST,
      ...(how === 'drop' ? { slice: 2 } : {}),
      async play(stage) {
        stage.cut(await stage.cluster.primary(), { how });
        await stage.newPrimary();
        await stage.clients.progress();
        // Long enough for its own clients to try it.
        await lasting(5);
      },
    },
    {
      title: `the primary is cut off from its standbys only, ${words}`,
      nodes: [3],
      reign: 'changes',
      budget: HOST_LOST,
      async play(stage) {
        stage.cut(await stage.cluster.primary(), { how, from: await stage.cluster.standbys() });
        await stage.newPrimary();
        await stage.clients.progress();
        await lasting(5);
      },
    },
    {
      title: `the primary of a pair is cut off from its standby only, ${words}`,
      nodes: [2],
      reign: 'stays',
      // Where keepers decide, each of the two has lost the other, and whoever swaps first goes on alone.
      reignOnEtcd: 'either',
      budget: ALONE,
      async play(stage) {
        stage.cut(await stage.cluster.primary(), { how, from: await stage.cluster.standbys() });
        await lasting(6);
        await stage.clients.progress();
      },
    },
    {
      title: `the primary is cut off from the monitor only, ${words}`,
      store: { is: 'monitor', because: 'there is no monitor; the primary is cut off from etcd only instead' },
      nodes: [2, 3],
      reign: 'stays',
      budget: NO_GAP,
      async play(stage) {
        const primary = await stage.cluster.primary();
        stage.cut(primary, { how, from: ['monitor'] });
        await missed(stage, primary);
        await lasting(2);
        await stage.clients.progress(100);
      },
    },
  ]),
  ...DIRECTIONS.map(({ direction, words }): Scenario => ({
    title: `a one-way cut: ${words}`,
    nodes: [2, 3],
    reign: 'changes',
    budget: HOST_LOST,
    async play(stage) {
      stage.cut(await stage.cluster.primary(), { direction });
      await stage.newPrimary();
      await stage.clients.progress();
      await lasting(3);
    },
  })),
  {
    title: 'a standby is cut off from everything',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.cut(standby);
      await missed(stage, standby);
      await stage.clients.progress();
    },
  },
  {
    title: 'five short cuts of the primary in a row',
    nodes: [2, 3],
    reign: 'either',
    async play(stage) {
      for (let time = 1; time <= 5; time++) {
        stage.cut(await stage.cluster.primary());
        await lasting(1.5);
        stage.heal();
        await lasting(1);
      }
    },
  },
  {
    title: 'five cuts in a row, each of whoever is the primary by then',
    nodes: [3],
    reign: 'changes',
    async play(stage) {
      for (let time = 1; time <= 5; time++) {
        const term = await stage.cluster.term();
        stage.cut(await stage.cluster.primary());
        await stage.cluster.newPrimary(term);
        stage.heal();
        await stage.clients.progress(5);
      }
    },
  },
];
