import { createApi } from '../api/app.ts';
import { readConfig } from '../config/config-file.ts';
import { readTokenFile } from '../config/environment.ts';
import { MONITOR_CONFIG, monitorAddressOf } from '../config/monitor-config.ts';
import { formatMonitorUri } from '../config/monitor-uri.ts';
import { monitorFiles } from '../config/paths.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import { monotonicNow } from '../system/clock.ts';
import { lockPidFile } from '../system/pid-file.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { createGroupSecrets } from './group-secrets.ts';
import { startHttpServer } from '../api/http-server.ts';
import { createMonitor } from '../deciding/monitor-service.ts';
import { readTlsMaterial } from './tls-material.ts';

export interface RunningMonitor {
  /** What `--monitor` takes. */
  readonly uri: string;
  /** Reads the configuration and the certificates again. What is wrong is logged, and the old ones stay in use. */
  reload(): Promise<void>;
  /** Ends everything cleanly; a second call waits for the first. */
  stop(): Promise<void>;
}

export interface RunMonitorOptions {
  readonly log?: Logger;
}

/**
 * Runs the monitor of a directory made by `create-monitor-directory.ts`.
 * Throws BATON_CONFIG_INVALID, BATON_ALREADY_RUNNING, BATON_PORT_IN_USE or
 * BATON_STORE_UNAVAILABLE, and has let go of everything then.
 */
export async function runMonitor(
  directory: string,
  options: RunMonitorOptions = {},
): Promise<RunningMonitor> {
  const files = monitorFiles(directory);
  const config = readConfig(MONITOR_CONFIG, files.configFile);
  const log = options.log ?? createLogger(config.log);
  const token = config.auth === 'trust' ? null : readTokenFile(files.tokenFile);
  const tls = await readTlsMaterial(config.ssl, files);
  const uri = formatMonitorUri(monitorAddressOf(config));

  // What was opened is closed in the opposite order, also when a later step fails.
  await using resources = new AsyncDisposableStack();
  const lock = await lockPidFile(files.pidFile);
  resources.defer(() => lock.release());
  const store = resources.use(openSqliteStore(files.storeFile));
  const monitor = await createMonitor({
    store,
    secrets: createGroupSecrets(files.secretsDirectory),
    log,
    now: monotonicNow,
    wallClock: Date.now,
    sslmode: tls === null ? 'prefer' : 'require',
    retention: { days: config.events.retentionDays, rows: config.events.retentionRows },
  });
  resources.defer(() => monitor.stop());
  const closing = new AbortController();
  const server = await startHttpServer({
    app: createApi({ monitor, token, log, closing: closing.signal }),
    port: config.port,
    address: config.listenAddresses === '*' ? undefined : config.listenAddresses,
    tls,
  });
  resources.defer(() => {
    closing.abort();
    return server.close();
  });
  monitor.start();
  const running = resources.move();
  log.info({ uri, directory: files.directory }, `monitor runs, ${tls === null ? 'without TLS' : 'with TLS'}`);
  if (tls === null && token !== null)
    log.warn('without TLS the token and all passwords travel in clear text');

  let stopped: Promise<void> | undefined;
  return {
    uri,
    async reload() {
      try {
        const { ssl, log: logging } = readConfig(MONITOR_CONFIG, files.configFile);
        const material = await readTlsMaterial(ssl, files);
        if (material !== null) server.setTls(material);
        log.level = logging.level;
        log.info('reloaded: certificates and log level. Port, addresses and authentication need a restart');
      } catch (error) {
        log.error({ err: error }, 'the configuration was not reloaded');
      }
    },
    stop() {
      stopped ??= running.disposeAsync().then(() => log.info('monitor stopped'));
      return stopped;
    },
  };
}
