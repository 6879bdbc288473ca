import type { MonitorClient, GroupAddress } from '../api/client.ts';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';

/** A keeper's line to those who decide: records come in, reports go out. */
export interface GroupLink {
  /** Sends a report; while one is on its way only the newest of those that follow is kept. */
  send(report: Report): void;
  /** Since the store last gave a sign of life, ms. One that decides nothing for the group gives none. */
  silentMs(): number;
  /** Whether a report was answered or a record has come in since the line was opened. */
  hasHeard(): boolean;
  close(): Promise<void>;
}

export interface GroupLinkOptions {
  readonly client: MonitorClient;
  readonly address: GroupAddress;
  readonly nowMs: () => number;
  readonly onRecord: (version: number, record: GroupRecord) => void;
  /** The record that is on disk here, for a store that has lost its own. */
  readonly journalled: () => GroupRecord | null;
  /** The line was lost (with the reason) or is there again (undefined). Called once a change. */
  readonly onLine: (error: BatonError | undefined) => void;
}

/** A report that is not answered within this time is given up: the next one is newer, ms. */
const REPORT_TIMEOUT_MS = 2_000;

/** Follows the record by the watch, and takes the answers to reports as a second way for it to come in. */
export function openGroupLink(options: GroupLinkOptions): GroupLink {
  const { client, address, nowMs, onRecord } = options;
  const stopped = new AbortController();
  let heardAtMs = nowMs();
  let isUp: boolean | undefined;
  let hasHeard = false;
  /** The store has said that it decides nothing: what else comes from it is no sign of its life. */
  let isRefused = false;
  let sendRecord = false;
  let waiting: Report | undefined;
  let sending: Promise<void> | undefined;

  const heard = (): void => {
    heardAtMs = nowMs();
    if (isUp === false) options.onLine(undefined);
    isUp = true;
  };
  const lost = (error: BatonError): void => {
    if (isUp !== false) options.onLine(error);
    isUp = false;
  };

  async function follow(): Promise<void> {
    for await (const event of client.watchGroup(address, stopped.signal)) {
      if (event.kind === 'disconnected') {
        lost(event.error);
        continue;
      }
      if (!isRefused) heard();
      if (event.kind !== 'record') continue;
      hasHeard = true;
      onRecord(event.version, event.record);
    }
  }

  async function sendAll(): Promise<void> {
    while (waiting !== undefined && !stopped.signal.aborted) {
      const report = waiting;
      waiting = undefined;
      try {
        const record = sendRecord ? (options.journalled() ?? undefined) : undefined;
        const answer = await client.sendReport(address, report, { timeoutMs: REPORT_TIMEOUT_MS }, record);
        hasHeard = true;
        sendRecord = answer.send_record === true;
        isRefused = answer.refused !== undefined;
        if (answer.refused !== undefined) {
          lost(new BatonError('BATON_STORE_OUTDATED', answer.refused));
          continue;
        }
        heard();
        if (answer.record !== undefined) onRecord(answer.record_version, answer.record);
      } catch (error) {
        lost(toBatonError(error));
      }
    }
    sending = undefined;
  }

  const following = follow().catch((error: unknown) => {
    if (!stopped.signal.aborted) lost(toBatonError(error));
  });

  return {
    send(report) {
      waiting = report;
      sending ??= sendAll();
    },
    silentMs: () => nowMs() - heardAtMs,
    hasHeard: () => hasHeard,
    async close() {
      // What is on its way may be the news that this node shuts down.
      await sending;
      stopped.abort();
      await following;
    },
  };
}
