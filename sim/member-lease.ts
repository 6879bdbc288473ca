import type { Report } from '../src/core/evidence.ts';
import { mayHoldLease } from '../src/core/lease.ts';
import type { VirtualProcess } from './process.ts';
import type { RemoteStore } from './remote-store.ts';
import type { VirtualDecider } from './virtual-decider.ts';

/** src/deciding/baton-lease.ts over virtual time: a holder that decides asks the store itself. */
export interface MemberLease {
  /** Takes or renews the lease that a report of its own asks for. */
  keep(report: Report): void;
  untilMs(term: number): number;
}

/** Left this much of a lease, it is not worth a renewal yet. */
const WELL_HELD_SHARE = 3 / 4;

export function createMemberLease(
  process: VirtualProcess,
  decider: VirtualDecider,
  port: Pick<RemoteStore, 'keepLease'>,
): MemberLease {
  let held = { term: 0, untilMs: -Infinity };
  let askedFor: number | undefined;

  return {
    keep(report) {
      const { record, version: expected } = decider.known();
      const { leaseFor: term } = report;
      if (term === undefined || askedFor === term || !mayHoldLease(record, report, term)) return;
      const { leaseMs } = record.settings;
      const askedAtMs = process.timeMs();
      if (held.term === term && held.untilMs - askedAtMs > leaseMs * WELL_HELD_SHARE) return;
      askedFor = term;
      port.keepLease({ term, leaseMs, expected }, (answer) => {
        if (askedFor === term) askedFor = undefined;
        if ('isHeld' in answer && answer.isHeld) held = { term, untilMs: askedAtMs + leaseMs };
      });
    },
    untilMs: (term) => (held.term === term ? held.untilMs : -Infinity),
  };
}
