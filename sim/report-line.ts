import type { Report } from '../src/core/evidence.ts';
import type { NodeId } from '../src/core/group-record.ts';
import type { VirtualProcess } from './process.ts';
import type { Place } from './virtual-network.ts';
import type { StoredRecord } from './virtual-store.ts';
import type { World } from './world.ts';

/** What goes back for a report. */
export interface TakenReport extends StoredRecord {
  readonly isRefused: boolean;
  /** How long the lease lasts that the report asked for; undefined: it has none. */
  readonly leaseMs: number | undefined;
}

/** src/keeper/report-line.ts over virtual time: only the newest report counts. */
export interface ReportLine {
  send(report: Report): void;
}

export interface ReportLineEnds {
  readonly from: NodeId;
  readonly to: Place;
  /** The process of the keeper. */
  readonly process: VirtualProcess;
  /** At the other end, where that lives. */
  readonly deliver: (report: Report, answer: (taken: TakenReport) => void) => void;
  readonly onAnswer: (report: Report, taken: TakenReport, asked: Asked) => void;
}

export interface Asked {
  readonly atMs: number;
  /** No later report was sent since: what was given up is over. */
  readonly isAwaited: boolean;
}

const TIMEOUT_MS = 2_000;

export function openReportLine({ clock, network }: World, ends: ReportLineEnds): ReportLine {
  const { from, to, process } = ends;
  let waiting: Report | undefined;
  let sending: Report | undefined;
  let sentAtMs = 0;

  function sendNext(): void {
    const report = waiting;
    if (report === undefined) return;
    waiting = undefined;
    sending = report;
    const askedAtMs = (sentAtMs = process.timeMs());
    network.send(from, to, () => ends.deliver(report, (taken) => reply(report, taken, askedAtMs)));
  }

  function reply(report: Report, taken: TakenReport, askedAtMs: number): void {
    // An answer that tells nothing new is no event of its own where it would be there in a millisecond.
    const tellsNothing = taken.version <= report.recordVersion && process.pausedUntilMs <= clock.nowMs;
    if (tellsNothing && waiting === undefined && network.isQuick(to, from))
      return process.now(() => answered(report, taken, askedAtMs));
    network.send(to, from, () => process.now(() => answered(report, taken, askedAtMs)));
  }

  function answered(report: Report, taken: TakenReport, askedAtMs: number): void {
    ends.onAnswer(report, taken, { atMs: askedAtMs, isAwaited: sending === report });
    if (sending !== report) return;
    sending = undefined;
    sendNext();
  }

  return {
    send(report) {
      waiting = report;
      // The time-out is looked at when there is something newer to send, at the latest with the next heartbeat.
      if (sending === undefined || process.timeMs() - sentAtMs >= TIMEOUT_MS) sendNext();
    },
  };
}
