import type { SimulatedGroup } from './group.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';

interface Limit {
  readonly what: string;
  holds(server: VirtualPostgres): boolean;
  /** Beyond the detection time: what its keeper needs to notice that it is alone, and to do something about it, ms. */
  readonly marginMs: number;
}

const LIMITS: readonly Limit[] = [
  { what: 'open for writes', holds: (server) => server.isWritable(), marginMs: 3_000 },
  {
    what: 'a primary with clients',
    holds: ({ status, role, effective }) =>
      status === 'running' && role === 'primary' && effective?.locked === false,
    marginMs: 6_000,
  },
];

/**
 * I14: a primary that has been superseded does not look writable, and does not
 * go on at all, for longer than its keeper needs to notice. Only the keeper can
 * close it, so time in which the keeper or the machine stands still does not
 * count.
 */
export function checkOldPrimaries(group: SimulatedGroup): void {
  const { world, home, keepers } = group;
  // Who accepts a loss does not wait for the voters that still acknowledge for the old one.
  if (world.checkers.isLossAccepted) return;
  // Who reigns by a store that was restored from an old copy need not reign.
  if (home.isRestored) return group.oldPrimarySinceMs.clear();
  const { reign, systemIdentifier } = home.store.stored.record;
  const { nowMs } = world.clock;
  for (const [node, server] of world.servers) {
    const keeper = keepers.get(node);
    const canAct =
      keeper !== undefined &&
      keeper.process.isAlive &&
      keeper.process.pausedUntilMs <= nowMs &&
      server.process.pausedUntilMs <= nowMs &&
      // What waits for a disk that hangs can't be killed.
      server.diskHungUntilMs <= nowMs &&
      group.crashPointChance === 0;
    const isOurs = server.data?.systemIdentifier === systemIdentifier;
    // Promoted by hand, it has never been opened, and is none of the group's primaries.
    const hasServed = server.isWritable() || keeper?.durable.servingTerm !== null;
    const isOld = canAct && reign?.confirmed === true && reign.holder !== node && isOurs && hasServed;
    for (const limit of LIMITS) checkLimit(group, server, limit, isOld && limit.holds(server));
  }
}

function checkLimit(
  { world, home, oldPrimarySinceMs }: SimulatedGroup,
  { node }: VirtualPostgres,
  { what, marginMs }: Limit,
  holds: boolean,
): void {
  const { reign, settings } = home.store.stored.record;
  const { nowMs } = world.clock;
  const key = `n${node} ${what}`;
  if (!holds) return void oldPrimarySinceMs.delete(key);
  const sinceMs = oldPrimarySinceMs.get(key) ?? nowMs;
  oldPrimarySinceMs.set(key, sinceMs);
  if (nowMs - sinceMs <= settings.detectionMs + marginMs) return;
  const text = `n${node} has been ${what} for ${Math.round(nowMs - sinceMs)} ms while n${reign?.holder} reigns`;
  world.checkers.fail('I14 an old primary does not stay open', text);
}
