import type { SimulatedGroup } from './group.ts';

/** What the keeper of an old primary needs beyond the detection time to notice that it is alone, and to stop it, ms. */
const MARGIN_MS = 6_000;

/**
 * I14: a primary that has been superseded does not look writable for longer
 * than its keeper needs to notice. Only the keeper can close it, so time in
 * which the keeper or the machine stands still does not count.
 */
export function checkOldPrimaries(group: SimulatedGroup): void {
  const { world, monitor, keepers, openSinceMs } = group;
  // Who accepts a loss does not wait for the voters that still acknowledge for the old one.
  if (world.checkers.isLossAccepted) return;
  // Who reigns by a store that was restored from an old copy need not reign.
  if (monitor.isRestored) return openSinceMs.clear();
  const { reign, settings, systemIdentifier } = monitor.stored.record;
  const { nowMs } = world.clock;
  for (const [node, server] of world.servers) {
    const keeper = keepers.get(node);
    const canAct =
      keeper !== undefined &&
      keeper.process.isAlive &&
      keeper.process.pausedUntilMs <= nowMs &&
      server.process.pausedUntilMs <= nowMs &&
      // Without its disk it can write down nothing that it would act on.
      !server.isDiskFull &&
      server.diskHungUntilMs <= nowMs &&
      group.crashPointChance === 0;
    const isOurs = server.data?.systemIdentifier === systemIdentifier;
    const isOld = reign?.confirmed === true && reign.holder !== node && isOurs && server.isWritable();
    if (!canAct || !isOld) {
      openSinceMs.delete(node);
      continue;
    }
    const sinceMs = openSinceMs.get(node) ?? nowMs;
    openSinceMs.set(node, sinceMs);
    if (nowMs - sinceMs > settings.detectionMs + MARGIN_MS) {
      const text = `n${node} has been open for ${Math.round(nowMs - sinceMs)} ms while n${reign.holder} reigns`;
      world.checkers.fail('I14 an old primary does not stay open', text);
    }
  }
}
