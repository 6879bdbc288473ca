import type { CliContext } from './cli-context.ts';

/** Lets `work` go on until a person presses Ctrl-C or the process is told to end; then its signal aborts. */
export async function untilInterrupted(
  context: Pick<CliContext, 'onSignal'>,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  const releases = (['SIGINT', 'SIGTERM'] as const).map((name) =>
    context.onSignal(name, () => abort.abort()),
  );
  try {
    await work(abort.signal);
  } finally {
    for (const release of releases) release();
  }
}
