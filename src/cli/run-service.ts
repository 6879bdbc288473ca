import type { CliContext } from './cli-context.ts';
import type { RunningService, StopHow } from './cli-services.ts';
import type { Ui } from './ui.ts';

/**
 * What a signal means to a running monitor or keeper. SIGUSR2 is what the
 * systemd unit sends: a keeper that is restarted leaves its PostgreSQL alone.
 */
export const STOP_SIGNALS = {
  SIGTERM: 'fast',
  SIGINT: 'fast',
  SIGQUIT: 'immediate',
  SIGUSR2: 'keeper_only',
} as const satisfies Partial<Record<NodeJS.Signals, StopHow>>;

/** Runs a service in the foreground until it ends by itself or a signal ends it. */
export async function runService(
  context: CliContext,
  ui: Ui,
  start: () => Promise<RunningService>,
): Promise<void> {
  const asked = Promise.withResolvers<StopHow>();
  // Listened to before the start: a signal in the middle of it must not end the process half-way.
  const releases = Object.entries(STOP_SIGNALS).map(([signal, how]) =>
    context.onSignal(signal as NodeJS.Signals, () => asked.resolve(how)),
  );
  try {
    const service = await start();
    releases.push(context.onSignal('SIGHUP', () => void service.reload().catch(asked.reject)));
    const first = await Promise.race([asked.promise, service.ended.then((sentence) => ({ sentence }))]);
    if (typeof first === 'object') {
      ui.note(first.sentence);
      await service.stop('keeper_only');
    } else {
      await service.stop(await howToStop(context, first));
    }
  } finally {
    for (const release of releases) release();
  }
}

/**
 * At the end of the machine a PostgreSQL that is left behind would get a smart
 * shutdown, wait for its clients and be killed in the end.
 */
async function howToStop(context: CliContext, how: StopHow): Promise<StopHow> {
  return how === 'keeper_only' && (await context.services.isMachineStopping()) ? 'fast' : how;
}
