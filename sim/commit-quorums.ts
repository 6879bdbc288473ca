import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import type { World } from './world.ts';

/**
 * What makes I1 true whatever happens next: no members that could promote
 * somebody among themselves all lack the last acknowledged commit. A rule that
 * is confirmed too early breaks this at once, and loses a commit only when the
 * right nodes fail afterwards.
 */
export function checkCommitQuorums(world: World, record: GroupRecord): void {
  const last = world.checkers.lastAcknowledged();
  if (last === undefined || record.rules.length === 0) return;
  const lacks = (node: NodeId): boolean => {
    const data = world.servers.get(node)?.data;
    if (data == null || data.systemIdentifier !== record.systemIdentifier) return false;
    return data.flushed <= last.index || data.wal[last.index] !== last;
  };
  const couldForget = record.rules.every(({ cohort, k }) => cohort.filter(lacks).length >= cohort.length - k);
  if (!couldForget) return;
  const rules = record.rules.map(
    ({ cohort, k }) => `${cohort.filter(lacks).join()} of ${cohort.join()} k ${k}`,
  );
  world.checkers.fail(
    'I6 commit and promotion quorums overlap',
    `${last.kind} ${last.value} is not on ${rules.join(', nor on ')}`,
  );
}
