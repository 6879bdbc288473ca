import { createDisk } from '../system/disk.ts';
import { runCommand } from '../system/run-command.ts';
import { createChangeWatch, type ChangeWatch } from './change-watch.ts';
import { createConfiguration, type Configuration } from './configuration.ts';
import { createLocalWal, type LocalWal } from './local-wal.ts';
import { serverFiles, type ServerContext } from './server-context.ts';
import type { PostgresServerOptions } from './server-options.ts';
import { createServerProcess, type ServerProcess } from './server-process.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createSettingsControl, type SettingsControl } from './settings-control.ts';

/** What the calls of one server work with. */
export interface ServerParts {
  readonly context: ServerContext;
  readonly process: ServerProcess;
  readonly watch: ChangeWatch;
  readonly sessions: Sessions;
  readonly configuration: Configuration;
  readonly settings: SettingsControl;
  readonly wal: LocalWal;
}

/** Makes the parts; nothing is touched yet. */
export function createServerParts(options: PostgresServerOptions): ServerParts {
  const context: ServerContext = {
    options,
    files: serverFiles(options),
    disk: createDisk(),
    run: runCommand,
    log: options.log ?? (() => undefined),
  };
  const process = createServerProcess(context);
  const watch = createChangeWatch(process);
  const sessions = createSessions(
    context,
    (limit) => process.find(limit),
    () => watch.notify(),
  );
  const configuration = createConfiguration(context);
  const settings = createSettingsControl({ context, process, sessions, configuration });
  return { context, process, watch, sessions, configuration, settings, wal: createLocalWal(context) };
}
