import type { SimulatedGroup } from './group.ts';
import { isListening } from './fault-tools.ts';
import type { StoredRecord } from './virtual-store.ts';

/** Whether the store may be lost now, and nothing else that is needed to recover it. */
export function mayLoseStore({ home, hasLostDisk }: SimulatedGroup): boolean {
  // The journal of a node whose disk is lost may be the one that counts.
  return home.process.isAlive && !home.isRestored && !hasLostDisk && home.store.past.length > 0;
}

/** The store is gone, or an old copy; a person recovers the group some time later, when all nodes are there. */
export function loseStore(
  group: SimulatedGroup,
  copy: StoredRecord | undefined,
  noticedAfterMs: number,
): void {
  group.home.restore(copy);
  group.world.clock.after(noticedAfterMs, () => recoverStore(group, 1));
}

/** How often a person looks whether all nodes report, ms. */
const RECOVERY_LOOK_MS = 1_000;
/** So often a person waits for a record that has all nodes. What joined and heard of it from the lost store alone has no data. */
const PATIENT_LOOKS = 15;

/** How often a person looks afterwards whether a node that comes back knows of another recovery, ms. */
const AFTERWARDS_MS = 10_000;

function recoverStore(group: SimulatedGroup, look: number): void {
  const { home, world } = group;
  if (!home.isRestored && home.evidence().contradiction === undefined)
    return world.clock.after(AFTERWARDS_MS, () => recoverStore(group, 1));
  world.stir(RECOVERY_LOOK_MS);
  const isOver = isListening(group) && hasRecovered(group, look <= PATIENT_LOOKS);
  world.clock.after(isOver ? AFTERWARDS_MS : RECOVERY_LOOK_MS, () =>
    recoverStore(group, isOver ? 1 : look + 1),
  );
}

function hasRecovered({ home, nodes, world }: SimulatedGroup, isPatient: boolean): boolean {
  const callers = home.callers();
  const isAllHere = nodes.every((node) => callers.some(({ report }) => report.node === node));
  if (isAllHere && home.evidence().contradiction === undefined) {
    world.count('the restored store was the present one');
    home.trust();
    return true;
  }
  // The primary that the applications have written to: an old one may not know yet that it is one.
  const primary = callers
    .filter(({ report }) => report.servingTerm !== null && report.postgres.role === 'primary')
    .toSorted((a, b) => (b.report.servingTerm ?? 0) - (a.report.servingTerm ?? 0))[0];
  return callers.some(({ record }) => {
    if (record === null) return false;
    const missing = record.nodes.filter(({ id }) => !nodes.includes(id)).map(({ name }) => name);
    // Where none runs: the one that last did.
    const serving = primary?.report.node ?? record.reign?.holder;
    const from = record.nodes.find(({ id }) => id === serving)?.name ?? null;
    for (const whose of [null, from]) {
      const request = {
        nodes: isPatient ? nodes.length + missing.length : record.nodes.length,
        missing,
        from: whose,
        allowDataLoss: false,
        requestedBy: 'operator',
        incarnation: `recovered at ${world.clock.nowMs}`,
      };
      let isAccepted = false;
      home.recover(request, ({ kind }) => {
        world.count(`recovery ${kind}`);
        isAccepted = kind === 'accepted';
      });
      if (isAccepted) return true;
    }
    return false;
  });
}
