import { ALONE, HOST_LOST, NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting, missed } from './steps.ts';

export const lostHosts: readonly Scenario[] = [
  {
    title: 'the host of the primary is lost and comes back',
    nodes: [2, 3],
    reign: 'changes',
    budget: HOST_LOST,
    slice: 3,
    async play(stage) {
      stage.powerOff(await stage.cluster.primary());
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
  {
    title: 'the host of a standby is lost and comes back',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.powerOff(standby);
      await missed(stage, standby);
      await stage.clients.progress();
    },
  },
  {
    title: 'the host of the only standby is lost and comes back',
    nodes: [2],
    reign: 'stays',
    budget: ALONE,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.powerOff(standby);
      await missed(stage, standby);
      await stage.clients.progress();
    },
  },
  {
    title: 'the host of the monitor is lost and comes back',
    store: { is: 'monitor', because: 'there is no monitor; the host of a member of etcd is lost instead' },
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      stage.powerOff('monitor');
      // For longer than the detection time, and than a lease of any kind.
      await lasting(6);
      await stage.clients.progress(100);
    },
  },
  {
    title: 'the hosts of the primary and of the monitor are lost, and that of the monitor comes back',
    store: {
      is: 'monitor',
      because: 'there is no monitor; the host of another member of etcd is lost instead',
    },
    nodes: [2, 3],
    reign: 'changes',
    async play(stage) {
      stage.powerOff(await stage.cluster.primary());
      stage.powerOff('monitor');
      await stage.powerOn('monitor');
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
  {
    title: 'the hosts of the primary and of a standby are lost, and that of the standby comes back',
    nodes: [3],
    reign: 'changes',
    async play(stage) {
      const [primary, standby] = [await stage.cluster.primary(), await stage.cluster.standby()];
      stage.powerOff(primary);
      stage.powerOff(standby);
      await missed(stage, primary);
      await stage.powerOn(standby);
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
  {
    title: 'the hosts of both standbys are lost, and one comes back',
    nodes: [3],
    reign: 'stays',
    async play(stage) {
      const [first, second] = await stage.cluster.standbys();
      if (first === undefined || second === undefined) throw new Error('there are no two standbys');
      stage.powerOff(first);
      stage.powerOff(second);
      await missed(stage, first);
      await missed(stage, second);
      await stage.powerOn(first);
      await stage.clients.progress();
    },
  },
  {
    title: 'all hosts are lost at once and come back',
    nodes: [3],
    reign: 'either',
    async play(stage) {
      for (const node of stage.cluster.nodes) stage.powerOff(node);
      stage.powerOff('monitor');
    },
  },
];
