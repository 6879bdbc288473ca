import { accepted, busy, refused, type Answer } from './answer.ts';
import type { Evidence } from './evidence.ts';
import { nameOf, type GroupRecord, type NodeEntry, type NodeId } from './group-record.ts';
import { liveReport } from './live-report.ts';
import { canStand, holderCondition } from './liveness.ts';
import { withIntent } from './next-reign.ts';
import { bytesAtRisk, promotionObstacles } from './obstacles.ts';

export interface SwitchoverRequest {
  /** null: the best candidate. */
  readonly target: NodeId | null;
  readonly requestedBy: string;
}

/** A planned change of primary. */
export function requestSwitchover(
  record: GroupRecord,
  evidence: Evidence,
  request: SwitchoverRequest,
): Answer {
  const { reign } = record;
  if (reign === null)
    return refused('BATON_REFUSED', 'the group has no primary yet', 'Wait until its first node runs.');
  if (record.intent !== null) return busy(record);
  if (request.target === reign.holder)
    return accepted(record, `${nameOf(record, reign.holder)} is the primary already`);
  return planHandover(record, evidence, request.target, `${request.requestedBy} asked for a switchover`);
}

/** A primary that is to leave hands over to the best standby. */
export function leaveBaton(record: GroupRecord, evidence: Evidence, entry: NodeEntry, why: string): Answer {
  return planHandover(record, evidence, null, `"${entry.name}" gives the baton away: ${why}`);
}

function planHandover(
  record: GroupRecord,
  evidence: Evidence,
  asked: NodeId | null,
  because: string,
): Answer {
  const { reign } = record;
  if (reign === null)
    return refused('BATON_REFUSED', 'the group has no primary yet', 'Wait until its first node runs.');
  const holder = liveReport(record, evidence, reign.holder);
  if (holder?.postgres.role !== 'primary' || !reign.confirmed) {
    return refused(
      'BATON_UNSAFE',
      `${nameOf(record, reign.holder)} does not serve as the primary now`,
      '`pgbaton why` tells what happens; `pgbaton perform failover` gives a lost primary up.',
    );
  }
  const target = asked ?? bestTarget(record, evidence);
  if (target === undefined) {
    return refused(
      'BATON_UNSAFE',
      'no standby can take over now',
      '`pgbaton why` tells for each node what stops it.',
    );
  }
  const obstacles = promotionObstacles(record, evidence, target);
  if (obstacles.length > 0) {
    return refused(
      'BATON_UNSAFE',
      `${nameOf(record, target)} can't take over: ${obstacles.join('; ')}`,
      '`pgbaton why` tells more.',
    );
  }
  const from = nameOf(record, reign.holder);
  const to = nameOf(record, target);
  const lag = bytesAtRisk(record, evidence, target) ?? 0;
  const next = withIntent(record, 'handover', record.term + 1, reign, 'switchover', because, { target });
  return {
    ...accepted(next, because),
    plan: [
      `${to} streams from ${from} and is ${lag} bytes behind`,
      `${from} takes checkpoints until little is left to flush, then shuts down`,
      `${to} receives the last WAL, term ${next.term} begins, ${to} is promoted`,
      'the other standbys follow by a reload, without a restart',
      `${from} comes back as a standby, without a rewind`,
      `undone if ${from} has not shut down within ${record.settings.handoverMs / 1000} s`,
    ],
  };
}

/** By priority, then by what it has received. */
function bestTarget(record: GroupRecord, evidence: Evidence): NodeId | undefined {
  const lag = (node: NodeId): number => bytesAtRisk(record, evidence, node) ?? Number.MAX_SAFE_INTEGER;
  return record.nodes
    .filter(
      (node) =>
        node.id !== record.reign?.holder &&
        canStand(record, evidence, node.id) &&
        promotionObstacles(record, evidence, node.id).length === 0,
    )
    .toSorted((a, b) => b.candidatePriority - a.candidatePriority || lag(a.id) - lag(b.id) || a.id - b.id)[0]
    ?.id;
}

export interface FailoverRequest extends SwitchoverRequest {
  readonly allowDataLoss: boolean;
}

/**
 * Gives the present primary up by hand. A primary that lives hands over; for
 * one that is lost the pledges are collected as in an automatic failover, and
 * only `allowDataLoss` goes on without enough of them.
 */
export function requestFailover(record: GroupRecord, evidence: Evidence, request: FailoverRequest): Answer {
  const { reign } = record;
  if (reign === null)
    return refused('BATON_REFUSED', 'the group has no primary yet', 'Wait until its first node runs.');
  if (record.intent !== null) {
    if (!request.allowDataLoss || record.intent.allowDataLoss) return busy(record);
    const intent = { ...record.intent, allowDataLoss: true, cause: 'forced' as const };
    return accepted({ ...record, intent }, `${request.requestedBy} accepts that commits may be lost`);
  }
  const condition = holderCondition(record, evidence);
  if (condition.kind === 'alive' && liveReport(record, evidence, reign.holder)?.postgres.role === 'primary') {
    return requestSwitchover(record, evidence, request);
  }
  const because = `${request.requestedBy} asked for a failover`;
  const next = withIntent(
    record,
    'failover',
    record.term + 1,
    reign,
    request.allowDataLoss ? 'forced' : 'lost',
    because,
    {
      target: request.target,
      allowDataLoss: request.allowDataLoss,
    },
  );
  return {
    ...accepted(next, because),
    plan: [
      `${nameOf(record, reign.holder)} is given up`,
      `the other members pledge term ${next.term}, the most advanced is promoted`,
      request.allowDataLoss
        ? 'if too few of them answer, the promotion goes on after 5 s all the same, and commits that only the silent ones have are lost'
        : 'nothing happens until enough of them have answered to prove that no commit is lost',
    ],
  };
}
