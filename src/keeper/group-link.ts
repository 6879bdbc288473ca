import type { MonitorClient, GroupAddress } from '../api/client.ts';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { BatonError } from '../lib/baton-error.ts';
import { createLineState, type LineStateOptions } from '../lib/line-state.ts';
import { openReportLine } from './report-line.ts';

/** A keeper's line to those who decide: records come in, reports go out. */
export interface GroupLink {
  /** Sends a report; while one is on its way only the newest of those that follow is kept. */
  send(report: Report): void;
  /** Since the store last gave a sign of life, ms. One that decides nothing for the group gives none. */
  silentMs(): number;
  /** Whether a report was answered or a record has come in since the line was opened. */
  hasHeard(): boolean;
  /** Until when, on the keeper's clock, the store lets nobody be promoted beside this node in a term, ms; minus infinity: it has no lease. */
  leasedUntilMs(term: number): number;
  close(): Promise<void>;
}

export interface GroupLinkOptions extends LineStateOptions {
  readonly client: MonitorClient;
  readonly address: GroupAddress;
  readonly onRecord: (version: number, record: GroupRecord) => void;
  /** The record that is on disk here, for a store that has lost its own. */
  readonly journalled: () => GroupRecord | null;
}

/** A report that is not answered within this time is given up: the next one is newer, ms. */
export const REPORT_TIMEOUT_MS = 2_000;

/** Follows the record by the watch, and takes the answers to reports as a second way for it to come in. */
export function openGroupLink(options: GroupLinkOptions): GroupLink {
  const { client, address, onRecord } = options;
  const stopped = new AbortController();
  const state = createLineState(options);
  let hasHeard = false;
  /** The store has said that it decides nothing: what else comes from it is no sign of its life. */
  let isRefused = false;
  let lease = { term: 0, untilMs: -Infinity };

  async function follow(): Promise<void> {
    for await (const event of client.watchGroup(address, stopped.signal)) {
      if (event.kind === 'disconnected') {
        state.lost(event.error);
        continue;
      }
      if (!isRefused) state.heard();
      if (event.kind !== 'record') continue;
      hasHeard = true;
      onRecord(event.version, event.record);
    }
  }

  const line = openReportLine({
    send: (report, record) => client.sendReport(address, report, { timeoutMs: REPORT_TIMEOUT_MS }, record),
    journalled: options.journalled,
    nowMs: options.nowMs,
    onAnswer({ record, record_version: version, refused, lease_ms: leaseMs }, { leaseFor }, sentAtMs) {
      hasHeard = true;
      if (leaseFor !== undefined && leaseMs !== undefined)
        lease = { term: leaseFor, untilMs: sentAtMs + leaseMs };
      isRefused = refused !== undefined;
      if (refused !== undefined) return state.lost(new BatonError('BATON_STORE_OUTDATED', refused));
      state.heard();
      if (record !== undefined) onRecord(version, record);
    },
    onFailure: (error) => state.lost(error),
  });

  const following = follow().catch((error: unknown) => {
    if (!stopped.signal.aborted) state.lost(error);
  });

  return {
    send: (report) => line.send(report),
    silentMs: () => state.silentMs(),
    hasHeard: () => hasHeard,
    leasedUntilMs: (term) => (lease.term === term ? lease.untilMs : -Infinity),
    async close() {
      // What is on its way may be the news that this node shuts down.
      await line.close();
      stopped.abort();
      await following;
    },
  };
}
