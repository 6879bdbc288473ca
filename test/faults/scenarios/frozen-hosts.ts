import { machineMs } from '../clients/client-log.ts';
import { HOST_LOST, NO_GAP } from '../budgets.ts';
import type { Scenario } from '../scenario.ts';
import { lasting, missed } from './steps.ts';

/** Twice the default: a busy machine freezes and thaws slowly. */
const DETECTION_MS = 6_000;
/** The detection time without a heartbeat, and the time that the keeper may need for new connections. */
const FORGIVEN_MS = 4_000;

export const frozenHosts: readonly Scenario[] = [
  {
    title: 'the host of the primary is frozen, and thawed when another has taken over',
    nodes: [2, 3],
    reign: 'changes',
    budget: HOST_LOST,
    slice: 3,
    async play(stage) {
      const old = await stage.cluster.primary();
      stage.freeze(old);
      await stage.newPrimary();
      await stage.clients.progress();
      stage.thaw(old);
      await lasting(3);
    },
  },
  {
    title: 'the host of the primary is frozen for less than the detection time',
    nodes: [2, 3],
    reign: 'stays',
    async play(stage) {
      const { client } = stage.cluster;
      const { settings } = (await stage.cluster.group()).record;
      await client.updateSettings('default', { detection_ms: DETECTION_MS });
      try {
        const primary = await stage.cluster.primary();
        const beganMs = machineMs();
        stage.freeze(primary);
        await lasting(1.5);
        stage.thaw(primary);
        const lastedMs = machineMs() - beganMs;
        if (lastedMs > FORGIVEN_MS) throw new Error(`the machine is too busy: frozen for ${lastedMs} ms`);
        await stage.clients.progress();
        await stage.cluster.settled();
      } finally {
        await client.updateSettings('default', { detection_ms: settings.detectionMs });
      }
    },
  },
  {
    title: 'the host of a standby is frozen and thawed',
    nodes: [3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      const standby = await stage.cluster.standby();
      stage.freeze(standby);
      await missed(stage, standby);
      await stage.clients.progress();
    },
  },
  {
    title: 'the host of the monitor is frozen and thawed: it accuses nobody',
    store: { is: 'monitor', because: 'there is no monitor; the host of a member of etcd is frozen instead' },
    nodes: [2, 3],
    reign: 'stays',
    budget: NO_GAP,
    async play(stage) {
      stage.freeze('monitor');
      await lasting(8);
      stage.thaw('monitor');
      await stage.clients.progress(100);
    },
  },
];
