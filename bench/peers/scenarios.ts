import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Network } from '../../test/support/hosts/network.ts';
import { sleep } from '../../src/system/clock.ts';
import { sendSignal } from '../../src/system/process.ts';
import { standbyThatCounts } from './servers.ts';
import type { Cluster, DataNode } from './system.ts';

/** What a scenario may use. */
export interface Incident {
  readonly network: Network;
  readonly cluster: Cluster;
  readonly primary: DataNode;
  readonly standbys: readonly DataNode[];
  /** Whether another server has acknowledged a row to the client, within the longest time that anybody is given. */
  readonly successorServes: () => Promise<boolean>;
  /** Starts what starts with a host, and the client that is inside it. */
  readonly boot: (node: DataNode) => Promise<void>;
  /** The system has not done what it was asked for: the repetition has no write gap. */
  readonly fail: (why: string) => void;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Whether a cluster without a control plane has nothing to lose here. */
  readonly needsControlPlane?: boolean;
  /** Does the damage, and takes it back where a person or a power supply would. */
  happen(incident: Incident): Promise<void>;
}

/** How long the isolated primary stays isolated after its successor has begun. */
const ISOLATED_MS = 5_000;
const STANDBY_AWAY_MS = 20_000;
/** Longer than any of the leases that are measured. */
const CONTROL_AWAY_MS = 40_000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'switchover',
    title: 'switchover',
    async happen({ cluster, primary, standbys, successorServes, fail }) {
      // With Patroni's synchronous mode nobody else may take over.
      const to = await standbyThatCounts({ primary, standbys });
      try {
        await cluster.switchover(primary, to);
      } catch (error) {
        console.error(error);
        return fail('the switchover was refused');
      }
      // Not every command that was refused says so by its exit code: no gap would be the best gap.
      if (!(await successorServes())) fail('the switchover did not happen');
    },
  },
  {
    name: 'process-kill',
    title: 'process killed',
    async happen({ primary }) {
      const pid = Number(readFileSync(join(primary.dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
      sendSignal(pid, 'SIGKILL');
    },
  },
  {
    name: 'host-loss',
    title: 'host lost',
    async happen({ network, primary, successorServes, boot }) {
      network.powerOff(primary.host);
      await successorServes();
      network.powerOn(primary.host);
      await boot(primary);
    },
  },
  {
    name: 'cut-off',
    title: 'primary cut off',
    async happen({ network, primary, successorServes }) {
      network.cut(primary.host);
      await successorServes();
      await sleep(ISOLATED_MS);
      network.heal(primary.host);
    },
  },
  {
    name: 'standby-loss',
    title: 'standby lost',
    async happen({ network, primary, standbys, boot }) {
      const standby = await standbyThatCounts({ primary, standbys });
      network.powerOff(standby.host);
      await sleep(STANDBY_AWAY_MS);
      network.powerOn(standby.host);
      await boot(standby);
    },
  },
  {
    name: 'control-plane-loss',
    title: `control plane lost for ${CONTROL_AWAY_MS / 1_000} s`,
    needsControlPlane: true,
    async happen({ network, cluster: { controlHosts, boot } }) {
      for (const host of controlHosts) network.powerOff(host);
      await sleep(CONTROL_AWAY_MS);
      for (const host of controlHosts) {
        network.powerOn(host);
        await boot(host);
      }
    },
  },
];
