import { toBatonError, type BatonError } from './baton-error.ts';

/** Whether the other end of a line is heard; each change is told once. */
export interface LineState {
  heard(): void;
  lost(reason: unknown): void;
  /** Since the other end was last heard, or since the line was opened, ms. */
  silentMs(): number;
}

export interface LineStateOptions {
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  /** The line was lost (with the reason) or is there again (undefined). */
  readonly onLine: (error: BatonError | undefined) => void;
}

export function createLineState({ nowMs, onLine }: LineStateOptions): LineState {
  let heardAtMs = nowMs();
  let isUp: boolean | undefined;
  return {
    heard() {
      heardAtMs = nowMs();
      // That it is there at the beginning is no news.
      if (isUp === false) onLine(undefined);
      isUp = true;
    },
    lost(reason) {
      if (isUp !== false) onLine(toBatonError(reason));
      isUp = false;
    },
    silentMs: () => nowMs() - heardAtMs,
  };
}
