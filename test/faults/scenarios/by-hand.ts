import { promoteByHand, startByHand } from '../../support/pg-ctl.ts';
import { NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting } from './steps.ts';

export const byHand: readonly Scenario[] = [
  {
    title: 'somebody promotes a standby by hand',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.fault();
      await promoteByHand(standby);
      await lasting(2);
      await stage.clients.progress();
    },
  },
  {
    title: 'somebody promotes the only standby by hand',
    nodes: [2],
    reign: 'stays',
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.fault();
      await promoteByHand(standby);
      await lasting(2);
      await stage.clients.progress();
    },
  },
  {
    title: 'the old primary is started by its host, without a keeper',
    nodes: [2, 3],
    reign: 'changes',
    async play(stage) {
      const old = await stage.cluster.primary();
      stage.powerOff(old);
      await stage.newPrimary();
      stage.plugIn(old);
      await startByHand(old);
      await lasting(5);
      await stage.clients.progress(100);
      await old.killAllOfPostgres();
    },
  },
  {
    title: 'the old primary is started and promoted by hand, without a keeper',
    nodes: [2, 3],
    reign: 'changes',
    async play(stage) {
      const old = await stage.cluster.primary();
      stage.powerOff(old);
      await stage.newPrimary();
      stage.plugIn(old);
      await startByHand(old);
      await promoteByHand(old);
      await lasting(5);
      await stage.clients.progress(100);
    },
  },
];
