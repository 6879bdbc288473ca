import type { VirtualProcess } from './process.ts';
import type { Deliver } from './watchers.ts';

/** A keeper's end of a watch, opened anew when nothing has come for long. */
export interface WatchLine {
  close(): void;
}

const IDLE_MS = 6_000;
const RECONNECT_MS = 500;

/** `connect` subscribes and tells how to end that; undefined: it can't be reached. */
export function openWatchLine(
  process: VirtualProcess,
  connect: (deliver: Deliver) => (() => void) | undefined,
  onMessage: Deliver,
): WatchLine {
  let end = (): void => undefined;

  function subscribe(): void {
    const mine = { lastMs: process.timeMs() };
    const unsubscribe = connect((stored) =>
      process.now(() => {
        mine.lastMs = process.timeMs();
        onMessage(stored);
      }),
    );
    if (unsubscribe === undefined) return process.after(RECONNECT_MS, subscribe);
    end = unsubscribe;
    watchIdle(mine);
  }

  function watchIdle(mine: { readonly lastMs: number }): void {
    process.after(IDLE_MS / 2, () => {
      if (process.timeMs() - mine.lastMs < IDLE_MS) return watchIdle(mine);
      end();
      subscribe();
    });
  }

  process.after(1, subscribe);
  return { close: () => end() };
}
