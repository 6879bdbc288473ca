import { findNode, type GroupRecord } from '../src/core/group-record.ts';
import { standingOf, stampOf } from '../src/core/record-home.ts';
import type { Caller, RecoveryRequest } from '../src/core/recover-group.ts';
import type { World } from './world.ts';

/** What must hold of a record that a group is recovered into, whatever the nodes have been through (I36). */
export function checkRecovery(
  world: World,
  callers: readonly Caller[],
  next: GroupRecord,
  { from }: RecoveryRequest,
): void {
  const fail = (text: string): void => world.checkers.fail('I36 a recovery loses and repeats nothing', text);
  const used = Math.max(
    ...[...world.servers.values()].flatMap(({ data }) => data?.wal.at(-1)?.timeline.id ?? 0),
  );
  if (next.nextTimeline <= used) fail(`timeline ${next.nextTimeline} is given out, and ${used} is in use`);
  for (const { report, record } of callers) {
    const term = Math.max(record?.term ?? 0, report.pledge?.term ?? 0, report.promotedTerm ?? 0);
    const who = `n${report.node}`;
    if (next.term <= term) fail(`${who} knows of term ${term}, and the record of term ${next.term}`);
    const isServed = from === null && (report.servingTerm ?? 0) > (next.reign?.term ?? 0);
    if (isServed) fail(`${who} serves in term ${report.servingTerm}, and the record is of an earlier reign`);
    if (record === null) continue;
    if (standingOf(stampOf(record, report.recordVersion), next, 1) !== 'known')
      fail(`${who} does not take the record`);
    if (next.ruleChanges <= record.ruleChanges)
      fail(`${who} may confirm change ${record.ruleChanges} of the rule, which is another one`);
    const isDropped = record.intent?.kind === 'handover' && record.reign?.term === next.reign?.term;
    const leaving = isDropped && next.intent === null ? findNode(next, record.intent?.from ?? -1) : undefined;
    if (leaving?.maintenance === true || (leaving !== undefined && leaving.dropping !== 'no'))
      fail(`n${leaving.id} is still on its way out`);
  }
}
