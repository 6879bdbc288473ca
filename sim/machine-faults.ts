import { duration, during, isComplete, mayLoseDisk, pickNode, serverOf, type Fault } from './fault-tools.ts';
import { startKeeper } from './group.ts';
import { MONITOR } from './virtual-network.ts';

/** The system identifier of a database that nobody of the group has made. */
const FOREIGN_SYSTEM = '7400000000000000009';

/** What clocks, virtualisation, long queries and a strange database do to a machine. */
export const MACHINE_FAULTS = {
  /** One clock runs faster or slower than the others, and goes on so when all else is healed. */
  drift_clock(group, random) {
    const place = random.chance(0.3) ? MONITOR : pickNode(group, random);
    const by = random.pick([0.01, 0.03, 0.1]);
    group.world.clockOf(place).drift(random.chance(0.5) ? 1 + by : 1 - by);
  },
  /** The machine is frozen with its clock, and notices nothing of it. */
  suspend_host(group, random) {
    const untilMs = group.world.clock.nowMs + duration(random);
    if (random.chance(0.2)) {
      group.world.clockOf(MONITOR).freezeUntil(untilMs);
      group.home.process.pauseUntil(untilMs);
      return;
    }
    const node = pickNode(group, random);
    group.world.clockOf(node).freezeUntil(untilMs);
    group.keepers.get(node)?.process.pauseUntil(untilMs);
    serverOf(group, node).process.pauseUntil(untilMs);
  },
  /** A standby receives and flushes, and replays nothing of it: paused by somebody, or held up by a query. */
  hold_replay(group, random) {
    const { world } = group;
    const server = serverOf(group, random.pick(group.nodes));
    const { data, replay, role, status } = server;
    if (role !== 'standby' || status !== 'running' || data === null) return;
    const untilMs = world.clock.nowMs + duration(random);
    replay.holdUntil(untilMs, data.flushed);
    // Whoever has not read its local WAL to the end goes on not to know it.
    if (server.endKnownAtMs > world.clock.nowMs) server.endKnownAtMs = untilMs;
    during(group, untilMs - world.clock.nowMs, () => undefined);
  },
  /** Somebody has put another database in the place of a lost one. */
  foreign_data(group, random) {
    if (!mayLoseDisk(group)) return;
    group.hasLostDisk = true;
    const node = pickNode(group, random);
    const server = serverOf(group, node);
    const isKeeperKilled = random.chance(0.5);
    if (isKeeperKilled) group.keepers.get(node)?.kill();
    server.kill(true);
    server.initialise(FOREIGN_SYSTEM);
    server.hasSentinel = false;
    if (isKeeperKilled) startKeeper(group, node, duration(random));
  },
} satisfies Record<string, Fault>;

/** Somebody notices the strange database and takes it away. */
export function removeForeignData(group: Parameters<Fault>[0]): void {
  const own = group.home.store.stored.record.systemIdentifier;
  for (const node of group.nodes) {
    const server = serverOf(group, node);
    if (!isComplete(server) || own === null || server.data?.systemIdentifier === own) continue;
    server.kill(true);
    server.data = null;
  }
}
