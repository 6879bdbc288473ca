import type { LocalView } from '../src/core/action.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import { planUnwritten } from '../src/core/plan-unwritten.ts';
import type { NodeState } from '../src/keeper/node-state.ts';
import type { VirtualProcess } from './process.ts';
import type { RecordInbox } from './record-inbox.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';

export interface UnwrittenWatchOptions {
  readonly node: NodeId;
  readonly process: VirtualProcess;
  readonly server: VirtualPostgres;
  readonly inbox: RecordInbox;
  readonly state: NodeState;
  readonly hasLoopFailed: () => boolean;
  readonly present: (record: GroupRecord) => LocalView;
  readonly onEnded: () => void;
}

/** As in src/keeper/keeper.ts and src/keeper/end-guard.ts. */
const JOURNAL_HANGS_MS = 500;
const LOOK_MS = 500;

/**
 * src/keeper/end-guard.ts over virtual time, where a disk does not take what
 * its keeper is to act on. It looks as long as there is something of the kind;
 * `watch` says that there may be.
 */
export function createUnwrittenWatch(world: World, options: UnwrittenWatchOptions): { watch(): void } {
  const { node, process, server, inbox, state, hasLoopFailed } = options;
  let isWatching = false;
  let lastLook: LocalView['postgres'] | undefined;

  function look(): void {
    isWatching = false;
    if (inbox.waitingFor(0) === undefined && !hasLoopFailed()) return;
    watch();
    const record = inbox.waitingFor(JOURNAL_HANGS_MS) ?? (hasLoopFailed() ? state.record : null);
    if (record === null || state.observation === lastLook) return;
    const step = planUnwritten(record, options.present(record));
    if (step === undefined) return;
    lastLook = state.observation;
    world.count('ended on what could not be written');
    world.trace(`n${node}`, () => `PostgreSQL is ended: ${step.because}`);
    process.after(server.random.between(5, 50), () => {
      server.kill(true);
      options.onEnded();
    });
  }

  function watch(): void {
    if (isWatching) return;
    isWatching = true;
    process.after(LOOK_MS, look);
  }

  return { watch };
}
