import type { Report } from '../src/core/evidence.ts';
import { hasKnown, type GroupRecord, type NodeId } from '../src/core/group-record.ts';
import { isLater } from '../src/core/record-home.ts';
import type { VirtualProcess } from './process.ts';
import { MONITOR } from './virtual-network.ts';
import type { TakenReport, VirtualMonitor } from './virtual-monitor.ts';
import type { StoredRecord } from './virtual-store.ts';
import type { World } from './world.ts';

/** A keeper's line to the monitor: src/keeper/group-link.ts over virtual time. */
export interface KeeperLink {
  send(report: Report): void;
  /** The newest record that has come in and is a later version of this one. */
  takeNewest(than: {
    readonly record: GroupRecord | null;
    readonly version: number;
  }): StoredRecord | undefined;
  /** What was taken and could not be written is not lost, as in src/keeper/record-inbox.ts: nobody sends it again. */
  putBack(taken: StoredRecord): void;
  silentMs(): number;
  hasHeard(): boolean;
  leasedUntilMs(term: number): number;
  onRecord: () => void;
  close(): void;
}

const REPORT_TIMEOUT_MS = 2_000;
const WATCH_IDLE_MS = 6_000;
const RECONNECT_MS = 500;

export function openKeeperLink(
  world: World,
  node: NodeId,
  process: VirtualProcess,
  monitor: VirtualMonitor,
  journalled: () => GroupRecord | null,
): KeeperLink {
  const { clock, network } = world;
  let heardAtMs = process.timeMs();
  let hasHeard = false;
  let lease = { term: 0, untilMs: -Infinity };
  let isRefused = false;
  let newest: StoredRecord | undefined;
  let waiting: Report | undefined;
  let sending: Report | undefined;
  let sentAtMs = 0;
  let watch: { readonly end: () => void; lastMs: number } | undefined;

  const link: KeeperLink = {
    onRecord: () => undefined,
    silentMs: () => process.timeMs() - heardAtMs,
    hasHeard: () => hasHeard,
    leasedUntilMs: (term) => (lease.term === term ? lease.untilMs : -Infinity),
    takeNewest(than) {
      const found = newest;
      newest = undefined;
      if (found === undefined) return undefined;
      return isLater(than.record, than.version, found.record, found.version) ? found : undefined;
    },
    putBack(taken) {
      newest ??= taken;
    },
    send(report) {
      waiting = report;
      // The time-out is looked at when there is something newer to send, at the latest with the next heartbeat.
      if (sending === undefined || process.timeMs() - sentAtMs >= REPORT_TIMEOUT_MS) sendNext();
    },
    close() {
      watch?.end();
    },
  };

  function heard(): void {
    heardAtMs = process.timeMs();
    hasHeard = true;
  }

  function takeRecord(stored: StoredRecord): void {
    if (!hasKnown(stored.record, node)) return;
    if (newest !== undefined && !isLater(newest.record, newest.version, stored.record, stored.version))
      return;
    newest = stored;
    link.onRecord();
  }

  function sendNext(): void {
    const report = waiting;
    if (report === undefined) return;
    waiting = undefined;
    sending = report;
    const askedAtMs = (sentAtMs = process.timeMs());
    network.send(node, MONITOR, () =>
      monitor.process.now(() => monitor.whenFree(() => arrive(report, askedAtMs))),
    );
  }

  function arrive(report: Report, askedAtMs: number): void {
    const stored = monitor.takeReport(report, journalled());
    // An answer that tells nothing new is no event of its own where it would be there in a millisecond.
    const tellsNothing = stored.version <= report.recordVersion && process.pausedUntilMs <= clock.nowMs;
    if (tellsNothing && waiting === undefined && network.isQuick(MONITOR, node))
      return process.now(() => answered(report, stored, askedAtMs));
    network.send(MONITOR, node, () => process.now(() => answered(report, stored, askedAtMs)));
  }

  function answered(report: Report, stored: TakenReport, askedAtMs: number): void {
    const { leaseMs } = stored;
    // The call of a report that was given up is over: what comes back of it later would be an older lease.
    const isHeard = sending === report && !stored.isRefused;
    if (isHeard && report.leaseFor !== undefined && leaseMs !== undefined)
      lease = { term: report.leaseFor, untilMs: askedAtMs + leaseMs };
    isRefused = stored.isRefused;
    hasHeard = true;
    const known = report.recordOrigin?.incarnations.length ?? 0;
    if (!isRefused) heard();
    if (stored.version > report.recordVersion || stored.record.home.incarnations.length > known)
      takeRecord(stored);
    if (sending !== report) return;
    sending = undefined;
    sendNext();
  }

  function subscribe(): void {
    if (!monitor.process.isAlive || monitor.isBusy || !network.canTalk(node, MONITOR))
      return process.after(RECONNECT_MS, subscribe);
    const mine = { lastMs: process.timeMs(), end: () => undefined as void };
    const end = monitor.subscribe(node, (stored) =>
      process.now(() => {
        mine.lastMs = process.timeMs();
        if (!isRefused) heard();
        if (stored !== undefined) takeRecord(stored);
      }),
    );
    mine.end = end;
    watch = mine;
    watchIdle(mine);
  }

  function watchIdle(mine: { readonly end: () => void; readonly lastMs: number }): void {
    process.after(WATCH_IDLE_MS / 2, () => {
      if (process.timeMs() - mine.lastMs < WATCH_IDLE_MS) return watchIdle(mine);
      mine.end();
      subscribe();
    });
  }

  process.after(1, subscribe);
  return link;
}
