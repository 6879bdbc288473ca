import { sendSignal } from '../../../src/system/process.ts';
import type { ClusterEtcdMember } from '../../support/cluster-etcd.ts';
import { replaceMember } from '../../support/replace-member.ts';
import { HOST_LOST, NO_GAP } from '../budgets.ts';
import type { OneStore, Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { lasting } from './steps.ts';

const store: OneStore = { is: 'etcd', because: 'there is no etcd' };

const WAYS = [
  { how: 'drop', words: 'silently' },
  { how: 'reject', words: 'with refusals' },
] as const;

/** With two nodes the third member of etcd is alone on the host where a monitor would be. */
const THIRD = 'monitor';

export const etcd: readonly Scenario[] = [
  {
    title: 'the host of a member of etcd is lost and comes back',
    store,
    nodes: [2],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      stage.powerOff(THIRD);
      await lasting(5);
      await stage.clients.progress(100);
    },
  },
  {
    title:
      'the hosts of the primary and of another member of etcd are lost, and that of the member comes back',
    store,
    nodes: [2],
    reign: 'changes',
    async play(stage) {
      stage.powerOff(await stage.cluster.primary());
      stage.powerOff(THIRD);
      await lasting(5);
      await stage.powerOn(THIRD);
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
  {
    title: 'the host of a member of etcd is frozen and thawed',
    store,
    nodes: [2],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      stage.freeze(THIRD);
      await lasting(8);
      stage.thaw(THIRD);
      await stage.clients.progress(100);
    },
  },
  {
    title: 'a member of etcd loses its disk and is replaced',
    store,
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const { etcd: home } = stage.cluster;
      const member = await home.leader();
      stage.fault();
      await member.loseDisk();
      await stage.clients.progress();
      await replaceMember(home, member);
      await stage.clients.progress();
    },
  },
  {
    title: 'the leader of etcd is killed and started again',
    store,
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const leader = await stage.cluster.etcd.leader();
      stage.fault();
      await leader.kill();
      await lasting(5);
      await stage.clients.progress(100);
    },
  },
  {
    title: 'the leader of etcd hangs, and then the PostgreSQL of the primary is killed',
    store,
    nodes: [2, 3],
    // Until etcd has another leader the store is silent, and a primary may be restarted in place.
    reign: 'either',
    budget: HOST_LOST,
    async play(stage) {
      const leader = await stage.cluster.etcd.leader();
      stage.fault();
      sendSignal(leader.process().pid, 'SIGSTOP');
      await (await stage.cluster.primary()).killPostgres();
      await stage.clients.progress();
      sendSignal(leader.process().pid, 'SIGCONT');
    },
  },
  {
    title: 'the majority of etcd is lost: writes go on, and all goes on when it is back',
    store,
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      await killMajority(stage);
      await lasting(10);
      await stage.clients.progress(100);
    },
  },
  {
    title: 'the majority of etcd is lost, then the primary: nobody is promoted before it is back',
    store,
    nodes: [2, 3],
    reign: 'changes',
    async play(stage) {
      const killed = await killMajority(stage);
      const primary = await stage.cluster.primary();
      await primary.killKeeper();
      await primary.killAllOfPostgres();
      await lasting(10);
      if ((await stage.cluster.term()) !== stage.firstTerm)
        throw new Error('somebody was promoted without etcd');
      for (const member of killed) member.start();
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
  ...WAYS.map(({ how, words }): Scenario => ({
    title: `the primary is cut off from etcd only, ${words}`,
    store,
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      stage.cutFromEtcd(await stage.cluster.primary(), how);
      // For longer than the detection time, and than a lease of any kind.
      await lasting(10);
      await stage.clients.progress(100);
    },
  })),
];

/** All but one, the leader among them. */
async function killMajority(stage: Stage): Promise<readonly ClusterEtcdMember[]> {
  const { etcd: home } = stage.cluster;
  const leader = await home.leader();
  const spared = home.members.find((member) => member !== leader);
  const killed = home.members.filter((member) => member !== spared);
  stage.fault();
  await Promise.all(killed.map((member) => member.kill()));
  return killed;
}
