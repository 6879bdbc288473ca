import { existsSync } from 'node:fs';
import { createApi } from '../api/app.ts';
import type { MonitorService } from '../api/monitor-service.ts';
import { readConfig } from '../config/config-file.ts';
import { readTokenFile } from '../config/environment.ts';
import { MONITOR_CONFIG, monitorAddressOf, type MonitorConfig } from '../config/monitor-config.ts';
import { formatMonitorUri } from '../config/monitor-uri.ts';
import { monitorFiles, type MonitorFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { monotonicNow } from '../system/clock.ts';
import { lockPidFile } from '../system/pid-file.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { createGroupSecrets } from './group-secrets.ts';
import { startHttpServer } from '../api/http-server.ts';
import { openFormations, type Formations } from '../deciding/formations.ts';
import type { GroupDeciderDeps } from '../deciding/group-decider.ts';
import { createMonitor } from '../deciding/monitor.ts';
import { useToken } from '../deciding/derived-secrets.ts';
import { createObserver } from './observer.ts';
import { readTlsMaterial } from './tls-material.ts';

/** The formation that every monitor has from the start, as in pg_auto_failover. */
const DEFAULT_FORMATION = 'default';
const CALL = { timeoutMs: 5_000 };

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
  /** Opens the store that an observer looks into; it need not be there yet. */
  readonly openStore: (uri: string) => Store;
}

/**
 * Runs the monitor of a directory made by `create-monitor-directory.ts`.
 * Throws BATON_CONFIG_INVALID, BATON_ALREADY_RUNNING, BATON_PORT_IN_USE or
 * BATON_STORE_UNAVAILABLE, and has let go of everything then.
 */
export async function runMonitor(directory: string, options: RunMonitorOptions): Promise<RunningMonitor> {
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
  const { uri: observed } = config.store;
  const parts = { config, files, log, resources };
  const { service, start } =
    observed === null ? await openDeciding(parts) : openObserving(observed, parts, options);
  const closing = new AbortController();
  const server = await startHttpServer({
    app: createApi({ monitor: service, token, log, closing: closing.signal }),
    port: config.port,
    address: config.listenAddresses === '*' ? undefined : config.listenAddresses,
    tls,
  });
  resources.defer(() => {
    closing.abort();
    return server.close();
  });
  start();
  const running = resources.move();
  log.info(
    { uri, directory: files.directory },
    `${observed === null ? 'monitor' : `monitor that only observes the groups in ${observed}`} runs, ${tls === null ? 'without TLS' : 'with TLS'}`,
  );
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

interface Parts {
  readonly config: MonitorConfig;
  readonly files: MonitorFiles;
  readonly log: Logger;
  /** What is opened here is closed with it. */
  readonly resources: AsyncDisposableStack;
}

interface Opened {
  readonly service: MonitorService;
  /** To be called once it is listened to. */
  readonly start: () => void;
}

/** Decides for the groups of its own store. */
async function openDeciding({ config, files, log, resources }: Parts): Promise<Opened> {
  const store = resources.use(openSqliteStore(files.storeFile));
  const monitor = await createMonitor({
    store,
    open: openWithDefault,
    secrets: createGroupSecrets(files.secretsDirectory),
    log,
    now: monotonicNow,
    wallClock: Date.now,
    sslmode: config.ssl.mode === 'off' ? 'prefer' : 'require',
    retention: { days: config.events.retentionDays, rows: config.events.retentionRows },
  });
  resources.defer(() => monitor.stop());
  return { service: monitor, start: () => monitor.start() };
}

/** Decides nothing. A directory whose decisions somebody depends on must not become that. */
function openObserving(
  uri: string,
  { files, log, resources }: Parts,
  { openStore }: RunMonitorOptions,
): Opened {
  if (existsSync(files.storeFile)) {
    throw new BatonError('BATON_CONFIG_INVALID', `"${files.directory}" is that of a monitor that decides`, {
      detail: `Its decisions are in "${files.storeFile}", and "store.uri" says that it only observes.`,
      hint: 'Make another directory for it: "pgbaton create monitor --store".',
    });
  }
  const store = resources.use(openStore(uri));
  const token = useToken(readTokenFile(files.tokenFile));
  const observer = createObserver({ store, uri, token, log, now: monotonicNow });
  resources.defer(() => observer.close());
  return { service: observer.service, start: () => undefined };
}

/** All groups of the store; a new store gets the formation `default`. */
async function openWithDefault(deps: GroupDeciderDeps): Promise<Formations> {
  const formations = await openFormations(deps);
  // Version 0: the store is new. Later it may have been dropped on purpose.
  if ((await deps.store.list('', CALL)).version > 0) return formations;
  await formations.create({
    name: DEFAULT_FORMATION,
    kind: 'pgsql',
    dbname: 'postgres',
    numberSyncStandbys: null,
  });
  return formations;
}
