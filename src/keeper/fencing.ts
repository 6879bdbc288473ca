import type { LocalView } from '../core/action.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { guardOrder } from '../core/guard-order.ts';
import type { NodeConfig } from '../config/node-config.ts';
import type { FencerHandle } from '../fencer/fencer-handle.ts';
import type { FencerAnswer } from '../fencer/fencer-protocol.ts';
import { machineNow } from '../system/clock.ts';
import { watchdogProblem } from '../system/watchdog.ts';

/** What ends this node's server when its keeper hangs. */
export interface Fencing {
  /** Orders from what the keeper sees now; to be called at every turn of its loop. */
  see(record: GroupRecord, local: LocalView): void;
  /** PostgreSQL has been stopped, and the keeper goes. */
  release(): void;
  /** The keeper goes, and PostgreSQL does not. */
  close(): void;
  /** Why this node must not become the primary; null: it may. */
  unfit(): string | null;
  /** What does not work, for people; null: everything does. */
  problem(): string | null;
}

export interface FencingOptions {
  readonly watchdog: NodeConfig['watchdog'];
  openHandle(listener: {
    onAnswer(answer: FencerAnswer): void;
    onTrouble(because: string): void;
  }): FencerHandle;
  readonly log: (because: string) => void;
}

/** The share of a lease that is left when the fencer ends what its keeper should have ended before. */
const FENCING_SHARE = 1 / 6;

export function createFencing(options: FencingOptions): Fencing {
  const { watchdog } = options;
  let problem: string | null = null;
  const handle = options.openHandle({
    // What happens the fencer says itself, in the same log.
    onAnswer({ kind, because }) {
      if (kind === 'heard') problem = because === '' ? null : because;
    },
    onTrouble(because) {
      options.log(because);
      problem = because;
    },
  });
  const unfit = (): string | null => (watchdog.mode === 'required' ? watchdogProblem(watchdog.device) : null);

  return {
    see(record, local) {
      const { fencing, detectionMs, heartbeatMs, hangMs, leaseMs } = record.settings;
      const isWanted = fencing === 'on' || watchdog.mode !== 'off';
      const order = isWanted ? guardOrder(record, local) : ({ kind: 'release' } as const);
      if (order.kind === 'release') problem = null;
      if (order.kind === 'hold') return;
      if (order.kind === 'release') return handle.order(order);
      if (order.kind === 'lease')
        return handle.order({
          kind: 'guard',
          term: order.term,
          untilMs: machineNow() + order.leftMs - leaseMs * FENCING_SHARE,
          spare: null,
        });
      handle.order({
        kind: 'guard',
        term: order.term,
        // At rest the keeper turns once in two heartbeats.
        untilMs: machineNow() + Math.max(detectionMs, 3 * heartbeatMs),
        spare: { quorums: order.quorums, patienceMs: detectionMs, blindMs: hangMs },
      });
    },
    release: () => handle.order({ kind: 'release' }),
    close: () => handle.close(),
    unfit,
    problem: () => problem,
  };
}
