import type { Logger } from '../telemetry/logger.ts';

/**
 * Logs a fault that comes back at every attempt once, then every ten seconds,
 * and its end: a full disk must not fill the log as well.
 */
export interface FaultLog {
  /** An attempt failed. */
  failed(error: unknown, what: string): void;
  /** An attempt succeeded. */
  succeeded(): void;
  isFaulty(): boolean;
}

const REPEAT_EVERY_MS = 10_000;

export function createFaultLog(log: Logger, now: () => number): FaultLog {
  let toldAtMs: number | undefined;
  return {
    failed(error, what) {
      if (toldAtMs !== undefined && now() - toldAtMs < REPEAT_EVERY_MS) return;
      toldAtMs = now();
      log.error({ err: error }, what);
    },
    succeeded() {
      if (toldAtMs === undefined) return;
      toldAtMs = undefined;
      log.info('the store can be written again');
    },
    isFaulty: () => toldAtMs !== undefined,
  };
}
