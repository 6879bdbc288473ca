import type { ReportAnswerBody } from '../api/schemas.ts';
import type { Report } from '../core/evidence.ts';

/** A line to one decider on which only the newest report counts. */
export interface ReportLine {
  /** Sends a report; while one is on its way only the newest of those that follow is kept. */
  send(report: Report): void;
  /** Resolves when nothing is on its way any more; sends nothing after that. */
  close(): Promise<void>;
}

export interface ReportLineOptions {
  send(report: Report): Promise<ReportAnswerBody>;
  onAnswer(answer: ReportAnswerBody): void;
  onFailure(error: unknown): void;
}

export function openReportLine(options: ReportLineOptions): ReportLine {
  let waiting: Report | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;

  async function sendAll(): Promise<void> {
    while (waiting !== undefined) {
      const report = waiting;
      waiting = undefined;
      try {
        options.onAnswer(await options.send(report));
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
