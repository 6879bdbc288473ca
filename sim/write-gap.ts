import type { SimulatedGroup } from './group.ts';
import type { PlannedFault } from './schedule.ts';

/** How long clients could not write after a plain fault. */
export interface WriteGap {
  readonly kind: string;
  readonly ms: number;
}

/** The budgets of docs/verification.md, made generous: steps of the simulated servers may take longer than real ones. */
const BUDGET_MS: Readonly<Record<string, (detectionMs: number) => number>> = {
  kill_postgres: () => 3_000,
  hang_postgres: (detectionMs) => detectionMs + 3_500,
  lose_host: (detectionMs) => detectionMs + 3_500,
};

/** What has to be known before the fault; undefined: it is no plain one, for which a budget holds. */
export function expectWrites(
  group: SimulatedGroup,
  { kind }: PlannedFault,
  nextFaultInMs: number,
): (() => void) | undefined {
  const { world, home, clients } = group;
  const { record } = home.store.stored;
  const { reign, settings } = record;
  const budgetMs = BUDGET_MS[kind]?.(settings.detectionMs) ?? 0;
  const isPlain =
    world.unrestUntilMs <= world.clock.nowMs &&
    nextFaultInMs > budgetMs &&
    (settings.crashFailovers === 100 || (settings.crashFailovers > 0 && reign?.term === 1)) &&
    !world.checkers.isLossAccepted &&
    group.crashPointChance === 0;
  if (budgetMs === 0 || !isPlain || reign === null || !isHealthy(group)) return undefined;
  const holder = world.servers.get(reign.holder);
  return () => {
    const atMs = world.clock.nowMs;
    if (holder?.status !== 'down' && (holder?.process.pausedUntilMs ?? 0) < atMs + budgetMs) return;
    let isWritten = false;
    clients.onNextWrite(() => {
      isWritten = true;
      group.gaps.push({ kind, ms: world.clock.nowMs - atMs });
    });
    world.stir(budgetMs);
    world.clock.after(budgetMs, () => {
      if (isWritten) return;
      const text = `no client could write for ${budgetMs} ms after ${kind} alone`;
      world.checkers.fail('I26 a plain fault is over within its budget', text);
    });
  };
}

/** Three members at least that vote and follow, and everything runs and can be reached. */
function isHealthy({ world, home, nodes, keepers }: SimulatedGroup): boolean {
  const { record } = home.store.stored;
  const { reign, intent, rules } = record;
  const { nowMs } = world.clock;
  if (reign?.confirmed !== true || intent !== null || rules.length !== 1) return false;
  const isWhole = rules[0]!.k > 0 && rules[0]!.cohort.length >= 3 && rules[0]!.cohort.length === nodes.length;
  return (
    isWhole &&
    decidesAtOnce(home, nowMs) &&
    world.network.isWhole() &&
    record.nodes.every(({ maintenance, dropping }) => !maintenance && dropping === 'no') &&
    nodes.every((node) => {
      const [server, keeper] = [world.servers.get(node), keepers.get(node)];
      if (server?.status !== 'running' || keeper?.process.isAlive !== true) return false;
      const runs = server.process.pausedUntilMs <= nowMs && keeper.process.pausedUntilMs <= nowMs;
      // What was not replayed is replayed before a promotion ends.
      if (server.replay.isHeld()) return false;
      const writes = !server.isDiskFull && server.diskHungUntilMs <= nowMs;
      return runs && writes && (node === reign.holder || server.receiver?.upstream === reign.holder);
    }) &&
    rules[0]!.cohort.some((node) => node !== reign.holder && mayReign(record, node))
  );
}

/** Nothing is the matter with the monitor and its store that would show only at its next decision. */
function decidesAtOnce({ process, store, diesHere }: SimulatedGroup['home'], nowMs: number): boolean {
  const isUp = process.isAlive && process.pausedUntilMs <= nowMs && diesHere === null;
  return isUp && !store.isDown && store.lostReplies === 0 && store.rivals === 0;
}

function mayReign(record: SimulatedGroup['home']['store']['stored']['record'], node: number): boolean {
  return record.nodes.some(({ id, candidatePriority }) => id === node && candidatePriority > 0);
}
