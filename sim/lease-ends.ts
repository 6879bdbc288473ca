import type { LocalView } from '../src/core/action.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import { guardOrder } from '../src/core/guard-order.ts';
import { needsLease } from '../src/core/lease.ts';
import { createProcess, type VirtualProcess } from './process.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';

/** How often it is looked whether a lease runs out; the real one looks when it is due. */
const LOOK_MS = 100;
/** As in src/keeper/fencing.ts. */
const FENCING_SHARE = 1 / 6;

/** src/keeper/end-guard.ts: what a keeper does beside its loop. Nothing happens in a group that needs no lease. */
export function createLeaseWatch(
  process: VirtualProcess,
  look: () => void,
): { watch(record: GroupRecord): void } {
  let isWatching = false;
  function again(): void {
    look();
    process.after(LOOK_MS, again);
  }
  return {
    watch(record) {
      if (isWatching || !needsLease(record)) return;
      isWatching = true;
      process.after(LOOK_MS, again);
    },
  };
}

/** The process that outlives a keeper, where a server stands on its lease: it does what it was last told. */
export interface VirtualFencer {
  see(record: GroupRecord, local: LocalView): void;
}

export function createVirtualFencer(world: World, node: NodeId, server: VirtualPostgres): VirtualFencer {
  const process = createProcess(world.clock, world.clockOf(node));
  process.begin();
  let dueMs: number | undefined;

  function onDue(): void {
    if (dueMs === undefined) return;
    const leftMs = dueMs - process.timeMs();
    if (leftMs > 0) return process.after(Math.max(1, leftMs), onDue);
    dueMs = undefined;
    if (server.status === 'down') return;
    world.count('ended by the fencer');
    world.trace(`n${node}`, () => 'the fencer ends PostgreSQL');
    server.kill(true);
  }

  return {
    see(record, local) {
      if (dueMs === undefined && !needsLease(record)) return;
      const order = guardOrder(record, local);
      // Where a quorum fences again, nothing of the lease stays in force.
      if (order.kind === 'release' || order.kind === 'guard') dueMs = undefined;
      if (order.kind !== 'lease') return;
      const isIdle = dueMs === undefined;
      dueMs = process.timeMs() + order.leftMs - record.settings.leaseMs * FENCING_SHARE;
      if (isIdle) process.after(1, onDue);
    },
  };
}
