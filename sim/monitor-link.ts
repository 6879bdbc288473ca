import type { Report } from '../src/core/evidence.ts';
import type { ConnectedKeeper } from './home.ts';
import type { KeeperLink } from './keeper-link.ts';
import { createRecordInbox } from './record-inbox.ts';
import { openReportLine, type Asked, type TakenReport } from './report-line.ts';
import { MONITOR } from './virtual-network.ts';
import { openWatchLine } from './watch-line.ts';
import type { Deliver } from './watchers.ts';
import type { World } from './world.ts';

/** The monitor at the other end. */
export interface MonitorEnd {
  deliver(report: Report, answer: (taken: TakenReport) => void, keeper: ConnectedKeeper): void;
  /** undefined: it can't be reached now. */
  subscribe(keeper: ConnectedKeeper, deliver: Deliver): (() => void) | undefined;
}

/** src/keeper/group-link.ts over virtual time. */
export function openMonitorLink(world: World, keeper: ConnectedKeeper, monitor: MonitorEnd): KeeperLink {
  const { node, process } = keeper;
  let heardAtMs = process.timeMs();
  let hasHeard = false;
  let lease = { term: 0, untilMs: -Infinity };
  let isRefused = false;
  const inbox = createRecordInbox(
    node,
    () => process.timeMs(),
    () => link.onRecord(),
  );

  function heard(): void {
    heardAtMs = process.timeMs();
    hasHeard = true;
  }

  function answered(report: Report, stored: TakenReport, { atMs, isAwaited }: Asked): void {
    const { leaseMs } = stored;
    // What comes back of a report that was given up would be an older lease.
    const isHeard = isAwaited && !stored.isRefused;
    if (isHeard && report.leaseFor !== undefined && leaseMs !== undefined)
      lease = { term: report.leaseFor, untilMs: atMs + leaseMs };
    isRefused = stored.isRefused;
    hasHeard = true;
    const known = report.recordOrigin?.incarnations.length ?? 0;
    if (!isRefused) heard();
    if (stored.version > report.recordVersion || stored.record.home.incarnations.length > known)
      inbox.put(stored);
  }

  const line = openReportLine(world, {
    from: node,
    to: MONITOR,
    process,
    deliver: (report, answer) => monitor.deliver(report, answer, keeper),
    onAnswer: answered,
  });
  const watch = openWatchLine(
    process,
    (deliver) => monitor.subscribe(keeper, deliver),
    (stored) => {
      if (!isRefused) heard();
      if (stored !== undefined) inbox.put(stored);
    },
  );
  const link: KeeperLink = {
    onRecord: () => undefined,
    silentMs: () => process.timeMs() - heardAtMs,
    hasHeard: () => hasHeard,
    leasedUntilMs: (term) => (lease.term === term ? lease.untilMs : -Infinity),
    inbox,
    send: (report) => line.send(report),
    close: () => watch.close(),
  };
  return link;
}
