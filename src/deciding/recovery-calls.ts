import { randomUUID } from 'node:crypto';
import type { DecidingService } from '../api/monitor-service.ts';
import type { ReportAnswerBody } from '../api/schemas.ts';
import { stampOfReport, type Report } from '../core/evidence.ts';
import { isSameStamp, stampOf } from '../core/record-home.ts';
import { recoverGroup } from '../core/recover-group.ts';
import type { Formations } from './formations.ts';
import type { TakenReport } from './group-decider.ts';
import { refusalError } from './refusal-error.ts';
import { createRollCall, type RollCall } from './roll-call.ts';
import type { GroupSecrets } from './service-calls.ts';

/** Groups that this store has never had whose nodes report here, at most. */
const STRANGERS = 1_000;

/** The reports of keepers, also of groups that the store has lost, and what brings such a group back. */
export function recoveryCalls(
  formations: Formations,
  secrets: GroupSecrets,
  now: () => number,
): Pick<DecidingService, 'takeReport' | 'recoverGroup'> {
  const strangers = new Map<string, RollCall>();

  /** Who reports for a group that is not in the store. */
  function rollCallOf(formation: string, group: number): RollCall {
    const key = `${formation}/${group}`;
    const known = strangers.get(key) ?? createRollCall(now);
    if (strangers.size < STRANGERS) strangers.set(key, known);
    return known;
  }

  return {
    async takeReport({ formation, group }, report, journalled) {
      const decider = formations.findDecider(formation, group);
      if (decider !== undefined) {
        // Before anything is decided: who is heard in time is not to be given up.
        const heldUntilMs = await decider.keepLease(report).catch(() => undefined);
        const answer = toReportAnswer(report, await decider.takeReport(report, journalled));
        return heldUntilMs === undefined || answer.refused !== undefined
          ? answer
          : { ...answer, lease_ms: heldUntilMs - now() };
      }
      const rollCall = rollCallOf(formation, group);
      rollCall.take(report, journalled);
      return {
        record_version: 0,
        refused: `formation "${formation}" is not in this store. If the store was lost, \`pgbaton store recover\` brings the formation back from its nodes`,
        send_record: !rollCall.hasRecordOf(report.node),
      };
    },
    async recoverGroup({ formation, group }, body) {
      const { from, dry_run: dryRun, requested_by: requestedBy, allow_data_loss: allowDataLoss } = body;
      const { nodes, missing, secrets: passwords } = body;
      const incarnation = randomUUID();
      const request = { nodes, missing, from: from ?? null, allowDataLoss, requestedBy, incarnation };
      const decider = formations.findDecider(formation, group);
      // Before the record: what fails here can be asked for again, and a node that joins then needs them.
      const keepPasswords = async (): Promise<void> => {
        if (passwords !== undefined && !dryRun) await secrets.keep(formation, group, passwords);
      };
      if (decider !== undefined) {
        const before = async (): Promise<void> => {
          await keepPasswords();
          await formations.restore(formation);
        };
        const { answer, version } = await decider.recover(request, { dryRun, before });
        return {
          accepted: !dryRun,
          because: answer.because,
          plan: [...answer.plan],
          record_version: version,
        };
      }
      const answer = recoverGroup(null, rollCallOf(formation, group).callers(), request);
      if (answer.kind === 'refused') throw refusalError(answer);
      await keepPasswords();
      if (!dryRun) {
        await formations.adopt(answer.next);
        strangers.delete(`${formation}/${group}`);
      }
      const version = formations.findDecider(formation, group)?.current().version ?? 0;
      return { accepted: !dryRun, because: answer.because, plan: [...answer.plan], record_version: version };
    },
  };
}

/** What goes back to a keeper for its report. */
export function toReportAnswer(report: Report, taken: TakenReport): ReportAnswerBody {
  const { record, version, refused, wantsRecord } = taken;
  if (refused !== undefined) return { record_version: version, refused, send_record: wantsRecord };
  // Not "older": a keeper that has just joined knows none at all.
  const isKnown = isSameStamp(stampOfReport(report), stampOf(record, version));
  return { record_version: version, ...(isKnown ? {} : { record }) };
}
