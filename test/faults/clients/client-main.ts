import { sleep } from '../../../src/system/clock.ts';

/** Runs a client until it is told to end by SIGTERM; what it has begun it ends first. */
export async function runClient(
  loops: readonly ((signal: AbortSignal) => Promise<void>)[],
  onEnd: () => void = () => undefined,
): Promise<void> {
  const ended = new AbortController();
  process.once('SIGTERM', () => ended.abort());
  // Ctrl-C goes to the whole group; whoever started us decides what it means.
  process.on('SIGINT', () => undefined);
  await Promise.all(loops.map((loop) => loop(ended.signal)));
  onEnd();
}

/** Does one thing again and again, whatever becomes of it. */
export function again(
  pauseMs: number,
  once: (signal: AbortSignal) => Promise<void>,
): (signal: AbortSignal) => Promise<void> {
  return async (signal) => {
    while (!signal.aborted) {
      await once(signal);
      await sleep(pauseMs, signal);
    }
  };
}
