import './as-postgres.ts';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { formatStandbyTag, slotName } from '../../src/core/application-name.ts';
import { findBinaries } from '../../src/postgres/binaries.ts';
import { createPostgresServer } from '../../src/postgres/create-postgres-server.ts';
import type {
  ManagedSettings,
  PostgresServer,
  ServerObservation,
  SourceServer,
} from '../../src/postgres/postgres-server.ts';
import type { PostgresServerOptions } from '../../src/postgres/server-options.ts';
import { findProcessesIn, sendSignal } from '../../src/system/process.ts';
import { freePort } from './free-port.ts';

/** Long enough for a loaded machine; nothing here is expected to take it. */
export const CALL = { timeoutMs: 30_000 };

export const NO_SETTINGS: ManagedSettings = {
  upstream: null,
  synchronousStandbyNames: '',
  readOnly: false,
  locked: false,
  peers: ['127.0.0.1'],
};

/** One real server under pgbaton's PostgreSQL layer, with what a test needs to look at it from outside. */
export interface TestServer {
  readonly node: number;
  readonly server: PostgresServer;
  readonly options: PostgresServerOptions;
  readonly port: number;
  /** What the layer logged. */
  readonly log: string[];
  /** Opens a client as the superuser over the Unix socket; closed when the test ends. */
  connect(config?: pg.ClientConfig): Promise<pg.Client>;
  /** Runs one statement as the superuser. */
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** Writes the settings of a standby of another server. */
  follow(upstream: TestServer, term: number): Promise<void>;
  /** What a copy needs to know of this server as its source. */
  asSource(forNode: number): Promise<SourceServer>;
  /** A second layer on the same directories, as a restarted keeper would make it. */
  again(options?: Partial<PostgresServerOptions>): PostgresServer;
  observe(): Promise<ServerObservation>;
  /** The pid of the running postmaster. */
  postmaster(): number;
  /** SIGKILL to the postmaster and at once to all of its children. */
  killAll(): void;
}

let template: Promise<string> | undefined;

/** A directory of the test's own, removed at its end together with every server process in it. */
export function testDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-'));
  t.after(async () => {
    await endServersIn(directory);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** A server directory without any data. */
export async function bareServer(
  t: Pick<TestContext, 'after'>,
  node: number,
  extra: Partial<PostgresServerOptions> = {},
): Promise<TestServer> {
  const directory = testDirectory(t);
  const { binDirectory } = await findBinaries();
  mkdirSync(join(directory, 'data'), { mode: 0o700 });
  mkdirSync(join(directory, 'state'), { mode: 0o700 });
  const log: string[] = [];
  const options: PostgresServerOptions = {
    dataDirectory: join(directory, 'data'),
    stateDirectory: join(directory, 'state'),
    binDirectory,
    port: await freePort(),
    listenAddresses: '127.0.0.1',
    socketDirectory: directory,
    hostname: '127.0.0.1',
    username: 'postgres',
    dbname: 'postgres',
    auth: 'scram-sha-256',
    ssl: { mode: 'off' },
    secrets: { keeperPassword: 'keeper-secret', replicationPassword: 'replication-secret' },
    hbaLan: false,
    skipHba: false,
    now: () => performance.now(),
    log: (message, fields) => log.push(`${message} ${JSON.stringify(fields ?? {})}`),
    ...extra,
  };
  return wrap(t, node, options, log);
}

/** A primary that runs, made from a copy of one template. */
export async function runningPrimary(
  t: Pick<TestContext, 'after'>,
  node: number,
  extra: Partial<PostgresServerOptions> = {},
): Promise<TestServer> {
  const primary = await stoppedPrimary(t, node, extra);
  await primary.server.start('primary', CALL);
  return primary;
}

/** The same, configured and not started. */
export async function stoppedPrimary(
  t: Pick<TestContext, 'after'>,
  node: number,
  extra: Partial<PostgresServerOptions> = {},
): Promise<TestServer> {
  const primary = await bareServer(t, node, extra);
  template ??= makeTemplate();
  cpSync(await template, primary.options.dataDirectory, { recursive: true });
  await primary.server.configure(NO_SETTINGS, CALL);
  return primary;
}

/** A standby that streams from a running server, cloned with the layer itself. */
export async function runningStandby(
  t: Pick<TestContext, 'after'>,
  node: number,
  upstream: TestServer,
  term = 1,
): Promise<TestServer> {
  const standby = await bareServer(t, node);
  await standby.server.clone(await upstream.asSource(node), () => undefined, CALL);
  await standby.follow(upstream, term);
  await standby.server.start('standby', CALL);
  await until('the standby to stream', async () => (await standby.observe()).upstream?.term === term);
  return standby;
}

/** Asks until it is so; fails after a deadline that only a hang reaches. */
export async function until(
  what: string,
  probe: () => Promise<boolean> | boolean,
  timeoutMs = 30_000,
): Promise<void> {
  const endsAtMs = performance.now() + timeoutMs;
  while (!(await probe())) {
    if (performance.now() > endsAtMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await delay(5);
  }
}

/** initdb takes a second; a copy of its result a tenth of that. */
async function makeTemplate(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-'));
  const { binDirectory } = await findBinaries();
  const layout = { dataDirectory: join(directory, 'data'), stateDirectory: join(directory, 'state') };
  mkdirSync(layout.dataDirectory, { mode: 0o700 });
  mkdirSync(layout.stateDirectory);
  // Shared by all tests of the process, so no test may remove it.
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const server = createPostgresServer({
    ...layout,
    binDirectory,
    port: await freePort(),
    listenAddresses: '127.0.0.1',
    socketDirectory: directory,
    hostname: '127.0.0.1',
    username: 'postgres',
    dbname: 'postgres',
    auth: 'scram-sha-256',
    ssl: { mode: 'off' },
    secrets: { keeperPassword: 'keeper-secret', replicationPassword: 'replication-secret' },
    hbaLan: false,
    skipHba: false,
    now: () => performance.now(),
  });
  await server.initialise({ timeoutMs: 60_000 });
  await server.close();
  return layout.dataDirectory;
}

function wrap(
  t: Pick<TestContext, 'after'>,
  node: number,
  options: PostgresServerOptions,
  log: string[],
): TestServer {
  const server = createPostgresServer(options);
  t.after(() => server.close());
  const connect: TestServer['connect'] = async (config = {}) => {
    const client = new pg.Client({
      host: options.socketDirectory,
      port: options.port,
      user: options.username,
      database: 'postgres',
      connectionTimeoutMillis: 10_000,
      ...config,
    });
    client.on('error', () => undefined);
    t.after(() => client.end().catch(() => undefined));
    await client.connect();
    return client;
  };
  const postmaster = (): number =>
    Number(readFileSync(join(options.dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
  return {
    node,
    server,
    options,
    port: options.port,
    log,
    connect,
    postmaster,
    observe: () => server.observe(CALL),
    async sql(text) {
      const client = await connect();
      try {
        return (await client.query(text)).rows as Record<string, unknown>[];
      } finally {
        await client.end();
      }
    },
    follow: (upstream, term) =>
      server.configure(
        {
          ...NO_SETTINGS,
          upstream: {
            host: '127.0.0.1',
            port: upstream.port,
            applicationName: formatStandbyTag({ node, term }),
            slot: slotName(node),
          },
        },
        CALL,
      ),
    async asSource(forNode) {
      const { systemIdentifier } = await server.observe(CALL);
      if (systemIdentifier === null) throw new Error('the source does not tell its system identifier');
      return { host: '127.0.0.1', port: options.port, systemIdentifier, slot: slotName(forNode) };
    },
    again(changes = {}) {
      const another = createPostgresServer({ ...options, ...changes });
      t.after(() => another.close());
      return another;
    },
    killAll() {
      const pid = postmaster();
      const all = findProcessesIn(options.dataDirectory, ['postgres', 'postmaster']);
      sendSignal(pid, 'SIGKILL');
      for (const found of all) sendSignal(found.pid, 'SIGKILL');
    },
  };
}

async function endServersIn(directory: string): Promise<void> {
  const data = join(directory, 'data');
  if (!existsSync(data)) return;
  const processes = (): number[] => findProcessesIn(data, ['postgres', 'postmaster']).map(({ pid }) => pid);
  for (const pid of processes()) {
    // A stopped process takes no other signal before it goes on, save this one.
    sendSignal(pid, 'SIGKILL');
  }
  await until('the test server to end', () => processes().length === 0);
}

/** What `ps` shows to everybody on the machine. */
export function processList(): string {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
}
