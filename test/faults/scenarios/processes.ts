import { isAlive, sendSignal } from '../../../src/system/process.ts';
import { stopByHand } from '../../support/pg-ctl.ts';
import { eventually } from '../../support/test-monitor.ts';
import { BOTH_OPEN_UNTIL_FENCED_MS, HOST_LOST, NO_GAP, PROCESS_KILLED } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting } from './steps.ts';

export const processes: readonly Scenario[] = [
  {
    title: 'the PostgreSQL of the primary is killed',
    nodes: [2, 3],
    reign: 'changes',
    budget: PROCESS_KILLED,
    slice: 3,
    sliceOnEtcd: 3,
    async play(stage) {
      const old = await stage.cluster.primary();
      stage.fault();
      await old.killPostgres();
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
  ...(['immediate', 'fast'] as const).map((mode): Scenario => ({
    title: `an outsider stops the primary with pg_ctl stop -m ${mode}`,
    nodes: [2, 3],
    reign: 'either',
    budget: PROCESS_KILLED,
    async play(stage) {
      const old = await stage.cluster.primary();
      stage.fault();
      await stopByHand(old, mode);
      await lasting(2);
      await stage.clients.progress();
    },
  })),
  {
    title: 'the PostgreSQL of a standby is killed',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.fault();
      await standby.killPostgres();
      await lasting(2);
      await stage.clients.progress(100);
    },
  },
  {
    title: 'the keeper of the primary hangs for a minute',
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const { pid } = (await stage.cluster.primary()).keeper();
      stage.fault();
      sendSignal(pid, 'SIGSTOP');
      await lasting(60);
      sendSignal(pid, 'SIGCONT');
      await stage.clients.progress();
    },
  },
  {
    title: 'the PostgreSQL of the primary hangs',
    nodes: [2, 3],
    reign: 'changes',
    budget: HOST_LOST,
    async play(stage) {
      const old = await stage.cluster.primary();
      stage.fault();
      old.signalPostgres('all', 'SIGSTOP');
      await stage.newPrimary();
      await stage.clients.progress();
    },
  },
  {
    title: 'the keeper of the primary hangs on a host that is cut off, and the fencer ends PostgreSQL',
    nodes: [2, 3],
    reign: 'changes',
    budget: HOST_LOST,
    bothOpenMs: BOTH_OPEN_UNTIL_FENCED_MS,
    async play(stage) {
      await stage.cluster.client.updateSettings('default', { fencing: 'on' });
      try {
        const old = await stage.cluster.primary();
        const postmaster = old.postmasterPid();
        await lasting(2);
        sendSignal(old.keeper().pid, 'SIGSTOP');
        stage.cut(old);
        await stage.newPrimary();
        await stage.clients.progress();
        await eventually('the end of the old primary', () => !isAlive(postmaster));
        sendSignal(old.keeper().pid, 'SIGCONT');
      } finally {
        await stage.cluster.client.updateSettings('default', { fencing: 'off' });
      }
    },
  },
  {
    title: 'the keeper of the primary hangs, and then its PostgreSQL dies',
    nodes: [2, 3],
    reign: 'changes',
    async play(stage) {
      const old = await stage.cluster.primary();
      const { pid } = old.keeper();
      stage.fault();
      sendSignal(pid, 'SIGSTOP');
      await old.killAllOfPostgres();
      await stage.newPrimary();
      await stage.clients.progress();
      sendSignal(pid, 'SIGCONT');
    },
  },
  {
    title: 'all keepers are upgraded, one after the other',
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    slice: 2,
    async play(stage) {
      stage.fault();
      for (const node of stage.cluster.nodes) {
        const postmaster = node.postmasterPid();
        // As its unit does for a restart: PostgreSQL goes on.
        await node.keeper().kill('SIGUSR2');
        await stage.cluster.startKeeper(node);
        await stage.clients.progress();
        if (node.postmasterPid() !== postmaster) throw new Error(`PostgreSQL of ${node.name} was restarted`);
      }
    },
  },
  {
    title: 'all keepers and the home of their decisions are killed at once and started again',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      stage.fault();
      await stage.cluster.home.kill();
      await Promise.all(stage.cluster.nodes.map((node) => node.killKeeper()));
      await lasting(5);
      await stage.clients.progress(100);
    },
  },
];
