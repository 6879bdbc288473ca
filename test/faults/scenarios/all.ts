import type { Scenario } from '../scenario.ts';
import { byHand } from './by-hand.ts';
import { changesOfRole } from './changes-of-role.ts';
import { cuts } from './cuts.ts';
import { disks } from './disks.ts';
import { etcd } from './etcd.ts';
import { frozenHosts } from './frozen-hosts.ts';
import { loadAndClocks } from './load-and-clocks.ts';
import { lostHosts } from './lost-hosts.ts';
import { lostStores } from './lost-stores.ts';
import { membership } from './membership.ts';
import { processes } from './processes.ts';

/** Every scenario, the deepest risk first. */
export const SCENARIOS: readonly Scenario[] = [
  ...lostHosts,
  ...lostStores,
  ...etcd,
  ...cuts,
  ...frozenHosts,
  ...processes,
  ...byHand,
  ...changesOfRole,
  ...membership,
  ...loadAndClocks,
  ...disks,
];
