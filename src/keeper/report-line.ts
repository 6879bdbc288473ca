import type { ReportAnswerBody } from '../api/schemas.ts';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord } from '../core/group-record.ts';

/** A line to one decider on which only the newest report counts. */
export interface ReportLine {
  /** Sends a report; while one is on its way only the newest of those that follow is kept. */
  send(report: Report): void;
  /** Resolves when nothing is on its way any more; sends nothing after that. */
  close(): Promise<void>;
}

export interface ReportLineOptions {
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  /** `record`: that of the journal, when the last answer has asked for it. */
  send(report: Report, record: GroupRecord | undefined): Promise<ReportAnswerBody>;
  /** The record that is on disk here, for a store that has lost its own. */
  readonly journalled: () => GroupRecord | null;
  /** `sentAtMs`: before the report was sent, monotonic. */
  onAnswer(answer: ReportAnswerBody, report: Report, sentAtMs: number): void;
  onFailure(error: unknown): void;
}

export function openReportLine(options: ReportLineOptions): ReportLine {
  let waiting: Report | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;
  let isRecordWanted = false;

  async function sendAll(): Promise<void> {
    while (waiting !== undefined) {
      const report = waiting;
      waiting = undefined;
      try {
        const record = isRecordWanted ? (options.journalled() ?? undefined) : undefined;
        const sentAtMs = options.nowMs();
        const answer = await options.send(report, record);
        isRecordWanted = answer.send_record === true;
        options.onAnswer(answer, report, sentAtMs);
      } catch (error) {
        options.onFailure(error);
      }
    }
    sending = undefined;
  }

  return {
    send(report) {
      if (isClosed) return;
      waiting = report;
      sending ??= sendAll();
    },
    async close() {
      isClosed = true;
      await sending;
    },
  };
}
