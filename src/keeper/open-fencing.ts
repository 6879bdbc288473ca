import type { NodeConfig } from '../config/node-config.ts';
import type { NodeFiles } from '../config/paths.ts';
import { createFencerHandle } from '../fencer/fencer-handle.ts';
import type { PostgresServerOptions } from '../postgres/server-options.ts';
import { monotonicNow } from '../system/clock.ts';
import { watchdogProblem } from '../system/watchdog.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createFencing, type Fencing } from './fencing.ts';

export interface OpenFencingOptions {
  readonly config: NodeConfig;
  readonly files: NodeFiles;
  readonly serverOptions: PostgresServerOptions;
  readonly program: string;
  readonly log: Logger;
}

/** The fencing of a node as its files ask for it. No process is started before there is something to guard. */
export function openFencing({ config, files, serverOptions, program, log }: OpenFencingOptions): Fencing {
  const { dataDirectory, socketDirectory, port, username, secrets } = serverOptions;
  const { mode, device, marginSeconds } = config.watchdog;
  const deviceProblem = mode === 'off' ? null : watchdogProblem(device);
  if (deviceProblem !== null) log.warn(deviceProblem);
  const isWithout = mode === 'off' || (mode === 'automatic' && deviceProblem !== null);
  return createFencing({
    watchdog: config.watchdog,
    openHandle: (listener) =>
      createFencerHandle({
        program,
        setup: {
          kind: 'setup',
          dataDirectory,
          pidFile: files.fencerPidFile,
          access: {
            socketDirectory,
            port,
            username,
            secrets: secrets && { keeperPassword: secrets.keeperPassword },
          },
          watchdog: isWithout ? null : { device, marginMs: marginSeconds * 1_000 },
        },
        now: monotonicNow,
        ...listener,
      }),
    log: (because) => log.warn(because),
  });
}
