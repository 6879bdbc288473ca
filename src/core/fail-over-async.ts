import type { Decision } from './decide.ts';
import type { Evidence } from './evidence.ts';
import { cohortMembers, type GroupRecord, type Reign } from './group-record.ts';
import { isCloseEnough, isLeaseOver } from './lease.ts';
import { liveReport } from './live-report.ts';
import { canStand } from './liveness.ts';
import { withIntent } from './next-reign.ts';

/** What is known of a holder that is to be given up. */
export interface DeadHolder {
  /** Its keeper says so. */
  readonly isCrash: boolean;
  /** It, or its disk, can't be asked what it has. */
  readonly isGone: boolean;
  readonly because: string;
}

/**
 * The failover of a group whose commits stand on the holder alone. One that
 * crashed gives what only it has to its successor, if its disk can be read;
 * without one that is gone the group goes on when the lease has ended, from
 * somebody who lacks no more than is allowed.
 */
export function failOverAsync(
  record: GroupRecord,
  evidence: Evidence,
  reign: Reign,
  { isCrash, isGone, because }: DeadHolder,
): Omit<Decision, 'rule'> | undefined {
  if (isGone && !isLeaseOver(record, evidence)) return undefined;
  const hasSuccessor = cohortMembers(record).some((node) => {
    if (node === reign.holder || !canStand(record, evidence, node)) return false;
    const position = liveReport(record, evidence, node)?.postgres.position ?? null;
    return !isGone || isCloseEnough(record, evidence, position);
  });
  if (!hasSuccessor) return undefined;
  const next = withIntent(record, 'failover', record.term + 1, reign, isCrash ? 'crash' : 'lost', because);
  return { next, because, ...(isGone ? { needsNoLease: true } : {}) };
}
