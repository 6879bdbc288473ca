import type { GroupRecord } from '../core/group-record.ts';
import { describeContradiction, type Contradiction } from '../core/record-home.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { EventWriter } from './event-writer.ts';
import { plainEvent } from './group-events.ts';
import type { RecordCell } from './record-cell.ts';
import { contradictionKey } from './record-key.ts';
import type { RollCall } from './roll-call.ts';

/** Whether the store may be believed: its nodes have journals, and may know better. */
export interface StoreDoubt {
  /** What speaks against deciding now; undefined: nothing. */
  contradiction(): Contradiction | undefined;
  /** The same in a sentence. */
  sentence(): string | undefined;
  /**
   * Reads the store anew, since somebody else may have written what a node
   * knows; if the doubt stays, says so in log and history, once, and keeps it
   * for the next start. Throws what the store throws.
   */
  lookInto(): Promise<void>;
  /** Throws BATON_STORE_OUTDATED while there is a contradiction. */
  refuse(): void;
}

const CALL = { timeoutMs: 5_000 };

export function createStoreDoubt(deps: {
  readonly store: Store;
  readonly log: Logger;
  readonly cell: RecordCell;
  readonly rollCall: RollCall;
  readonly events: EventWriter;
}): StoreDoubt {
  const { store, log, cell, rollCall, events } = deps;
  let said: string | undefined;
  let isKept = false;

  const contradiction = (): Contradiction | undefined => rollCall.contradiction(cell.current());

  function sentence(): string | undefined {
    const found = contradiction();
    return found === undefined ? undefined : describeContradiction(found, cell.current().record);
  }

  async function keep(found: Contradiction, record: GroupRecord): Promise<void> {
    // Of a group that the store does not have there is nothing that could be decided after a restart.
    if (isKept || record.nodes.length === 0) return;
    const key = contradictionKey(record.formation, record.group);
    const before = await store.get(key, CALL);
    const change = { key, expected: before?.version ?? null, value: JSON.stringify(found) };
    isKept = (await store.swap({ changes: [change] }, CALL)).kind === 'written';
  }

  return {
    contradiction,
    sentence,
    async lookInto() {
      await cell.read();
      const found = contradiction();
      if (found === undefined) return void (said = undefined);
      const { record, version } = cell.current();
      const because = describeContradiction(found, record);
      if (because !== said) {
        log.error({ formation: record.formation, group: record.group, version }, because);
        events.add(plainEvent('monitor', record, because), version);
      }
      said = because;
      await keep(found, record);
      await events.flush();
    },
    refuse() {
      const found = contradiction();
      if (found === undefined) return;
      const because = describeContradiction(found, cell.current().record);
      throw new BatonError('BATON_STORE_OUTDATED', 'the store is not to be believed', {
        detail: `${because}.`,
        hint: 'The way is described in docs/operations/monitor-loss.md, and for etcd in docs/operations/etcd-loss.md.',
      });
    },
  };
}
