/** Ctrl-C and its relatives, as one signal. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Goes back to what these signals do otherwise. */
  close(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Until `close`, none of what usually ends a program does so: Ctrl-C, a kill,
 * a terminal that is closed, a pipe whose reader has gone. The demo has
 * servers to remove before it may end. `outer` interrupts as well.
 */
export function listenForInterruption(outer: AbortSignal | undefined): Interruption {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  const outputs = [process.stdout, process.stderr];
  for (const name of SIGNALS) process.on(name, interrupt);
  for (const output of outputs) output.on('error', interrupt);
  outer?.addEventListener('abort', interrupt, { once: true });
  if (outer?.aborted === true) interrupt();
  return {
    signal: controller.signal,
    close() {
      for (const name of SIGNALS) process.off(name, interrupt);
      for (const output of outputs) output.off('error', interrupt);
      outer?.removeEventListener('abort', interrupt);
    },
  };
}
