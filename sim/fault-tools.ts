import type { Evidence } from '../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import type { Answer } from '../src/core/requests.ts';
import type { SimulatedGroup } from './group.ts';
import type { Random } from './random.ts';
import { CLIENTS, MONITOR } from './virtual-network.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';

export type Fault = (group: SimulatedGroup, random: Random) => void;

export const ALL = (nodes: readonly NodeId[]): readonly number[] => [CLIENTS, MONITOR, ...nodes];

export function serverOf({ world }: SimulatedGroup, node: NodeId): VirtualPostgres {
  const server = world.servers.get(node);
  if (server === undefined) throw new Error(`no server of node ${node}`);
  return server;
}

/** More often the primary than chance would have it: that is where the trouble is. */
export function pickNode(group: SimulatedGroup, random: Random): NodeId {
  const holder = group.home.store.stored.record.reign?.holder;
  return holder !== undefined && random.chance(0.4) ? holder : random.pick(group.nodes);
}

/** Most faults are short, some outlast every time-out. */
export function duration(random: Random): number {
  return random.chance(0.3) ? random.between(8_000, 40_000) : random.between(50, 6_000);
}

export function during(group: SimulatedGroup, takesMs: number, end: () => void): void {
  group.world.clock.after(takesMs, () => {
    if (group.isHealed) return;
    group.world.stir(UNREST_MS);
    end();
  });
}

export function cutBoth(group: SimulatedGroup, a: number, b: number): void {
  group.world.network.cut(a, b);
  group.world.network.cut(b, a);
}

export function healBoth(group: SimulatedGroup, a: number, b: number): void {
  group.world.network.heal(a, b);
  group.world.network.heal(b, a);
}

export function ask(group: SimulatedGroup, what: (record: GroupRecord, evidence: Evidence) => Answer): void {
  if (!isListening(group)) return;
  group.home.request(what, ({ kind }) => group.world.count(`request ${kind}`));
}

export function isListening({ home }: SimulatedGroup): boolean {
  return home.isListening();
}

/** For how long clients look closely after a fault has begun or ended, ms. */
export const UNREST_MS = 3_000;

/** An unfinished copy is no copy yet. */
export function isComplete({ data, hasSentinel }: VirtualPostgres): boolean {
  return data !== null && !hasSentinel && data.needed <= data.flushed;
}

/** Once in a run, and never where a commit may stand on one copy only: what an old copy of the store says of that means nothing. */
export function mayLoseDisk(group: SimulatedGroup): boolean {
  const { record } = group.home.store.stored;
  if (group.home.isRestored) return false;
  const isWhole = group.nodes.every((node) => isComplete(serverOf(group, node)));
  const isSettled = record.nodes.every((node) => node.dropping === 'no' && !node.maintenance);
  const standsOnTwo = record.rules.every((rule) => rule.k > 0) && record.intent === null;
  return !group.hasLostDisk && isWhole && isSettled && standsOnTwo;
}
