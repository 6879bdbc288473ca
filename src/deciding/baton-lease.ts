import * as z from 'zod/mini';
import type { Report } from '../core/evidence.ts';
import { mayHoldLease } from '../core/lease.ts';
import { toBatonError } from '../lib/baton-error.ts';
import type { Guard, Lease, Store } from '../store/store.ts';
import type { RecordCell } from './record-cell.ts';
import { leaseKey, recordKey } from './record-key.ts';

/**
 * The lease of a group's holder, a key in the store that lives as long as it is
 * renewed. It is taken only on exactly the record that says who the holder is
 * and that nobody gives it up, and a change of reign that rests on its end is
 * written only while the key is absent: each of the two transactions shuts the
 * other out.
 */
export interface BatonLease {
  /** Until when it is held, on the clock of the store's holder; undefined: the report asks for none, or it is not given. Throws what the store throws. */
  keep(report: Report, now: () => number): Promise<number | undefined>;
  /** The term that it is for; null: nobody has it. Throws what the store throws. */
  look(): Promise<number | null>;
  /** Nobody has it. */
  readonly isOver: Guard;
}

const CALL = { timeoutMs: 2_000 };
/** Left this much of a lease, it is not worth a renewal yet. */
const WELL_HELD_SHARE = 3 / 4;

const LeaseValue = z.object({ term: z.number(), node: z.number() });

export function createBatonLease(store: Store, cell: Pick<RecordCell, 'current'>): BatonLease {
  const { formation, group } = cell.current().record;
  const key = leaseKey(formation, group);
  let held: { readonly term: number; readonly lease: Lease } | undefined;
  let underWay: { readonly term: number; readonly until: Promise<number | undefined> } | undefined;

  async function take(report: Report, term: number): Promise<number | undefined> {
    const { record, version } = cell.current();
    const present = await store.get(key, CALL);
    if (present !== undefined && parse(present.value).term > term) return undefined;
    const lease = await store.lease(record.settings.leaseMs, CALL);
    const change = {
      key,
      // One of an earlier term is nobody's any more: this term began with its end, or with its holder's pledge.
      expected: present?.version ?? null,
      value: JSON.stringify({ term, node: report.node }),
      lease,
    };
    const guard = { kind: 'version', key: recordKey(formation, group), expected: version } as const;
    try {
      const { kind } = await store.swap({ changes: [change], guards: [guard] }, CALL);
      if (kind === 'written') {
        held = { term, lease };
        return lease.heldUntilMs();
      }
    } catch (error) {
      letGo(lease);
      throw error;
    }
    letGo(lease);
    return undefined;
  }

  /** It ends by itself where that fails. */
  function letGo(lease: Lease): void {
    void lease.release(CALL).catch(() => undefined);
  }

  async function keep(report: Report, term: number, now: () => number): Promise<number | undefined> {
    if (held?.term !== term) return take(report, term);
    const { lease } = held;
    const { leaseMs } = cell.current().record.settings;
    if (lease.heldUntilMs() - now() > leaseMs * WELL_HELD_SHARE) return lease.heldUntilMs();
    try {
      return await lease.renew(CALL);
    } catch (error) {
      // The store itself says that it has ended; else it may only not be heard.
      if (toBatonError(error).code !== 'BATON_REFUSED') throw error;
      held = undefined;
      return take(report, term);
    }
  }

  return {
    isOver: { kind: 'version', key, expected: null },
    async keep(report, now) {
      const { leaseFor: term } = report;
      if (term === undefined || !mayHoldLease(cell.current().record, report, term)) return undefined;
      if (underWay?.term === term) return underWay.until;
      const mine = { term, until: keep(report, term, now) };
      underWay = mine;
      try {
        return await mine.until;
      } finally {
        if (underWay === mine) underWay = undefined;
      }
    },
    async look() {
      const present = await store.get(key, CALL);
      return present === undefined ? null : parse(present.value).term;
    },
  };
}

function parse(value: string): z.infer<typeof LeaseValue> {
  return LeaseValue.parse(JSON.parse(value));
}
