import { randomUUID } from 'node:crypto';
import type { DecidingService } from '../api/monitor-service.ts';
import { announceMove, arrive, finishMove, hasMoved, undoMove } from '../core/move-record.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import type { Formations } from './formations.ts';
import type { MonitorDeps } from './monitor.ts';
import { probeKey } from './record-key.ts';
import { refusalError } from './refusal-error.ts';

const CALL = { timeoutMs: 5_000 };

/** A group that leaves this home, and one that comes. */
export function moveCalls(
  formations: Formations,
  { secrets, store, proofOfMove }: Pick<MonitorDeps, 'secrets' | 'store' | 'proofOfMove'>,
): Pick<DecidingService, 'moveGroup' | 'arriveGroup'> {
  return {
    async moveGroup({ formation, group }, { step, to, dry_run: dryRun, requested_by: requestedBy }) {
      const incarnation = randomUUID();
      const proof = proofOfMove?.(formation, { to, incarnation }) ?? null;
      const { answer, version } = await formations.decider(formation, group).request({
        dryRun,
        ask(record, evidence) {
          switch (step) {
            case 'announce':
              return announceMove(record, evidence, { to, incarnation, proof, requestedBy });
            case 'finish':
              return finishMove(record, evidence, to);
            case 'undo':
              return undoMove(record);
          }
        },
      });
      return { accepted: !dryRun, because: answer.because, plan: [...answer.plan], record_version: version };
    },
    async arriveGroup({ formation, group }, { record, secrets: passwords }) {
      if (record.formation !== formation || record.group !== group) {
        throw new BatonError(
          'BATON_USAGE',
          `the record is that of group ${record.group} of "${record.formation}"`,
        );
      }
      // Only the last record of the old home makes this one the new one.
      const dryRun = !hasMoved(record);
      const before = async (): Promise<void> => {
        if (passwords !== undefined) await secrets.keep(formation, group, passwords);
      };
      const decider = formations.findDecider(formation, group);
      if (dryRun) await tryOut(store);
      if (decider !== undefined) {
        // Throws for a token that is not that of the formation.
        formations.describe(formation);
        const { answer, version } = await decider.receive(record, { dryRun, before });
        return { accepted: !dryRun, because: answer.because, plan: [], record_version: version };
      }
      const answer = arrive(null, record);
      if (answer.kind === 'refused') throw refusalError(answer);
      if (!dryRun) {
        await before();
        await formations.adopt(answer.next);
      }
      const version = formations.findDecider(formation, group)?.current().version ?? 0;
      return { accepted: !dryRun, because: answer.because, plan: [], record_version: version };
    },
  };
}

/** Writes to the store, reads that, and takes it away. Throws what the store throws. */
async function tryOut(store: Store): Promise<void> {
  const key = probeKey(randomUUID());
  const written = await store.swap({ changes: [{ key, expected: null, value: 'probe' }] }, CALL);
  const found = await store.get(key, CALL);
  if (written.kind !== 'written' || found === undefined) {
    throw new BatonError('BATON_STORE_UNAVAILABLE', 'what is written to the store does not stay there');
  }
  await store.swap({ changes: [{ key, expected: found.version, value: null }] }, CALL);
}
