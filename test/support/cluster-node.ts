import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { isPostmasterOf, parsePidFile, type Postmaster } from '../../src/postgres/postmaster.ts';
import { startCountdown, waitFor } from '../../src/system/clock.ts';
import { findProcessesIn, isAlive, sendSignal } from '../../src/system/process.ts';
import { cleanEnvironment, startPgbaton, type ClusterProcess } from './cluster-process.ts';
import { LOOPBACK, type Place } from './place.ts';

/** A node of a test cluster: its keeper as a process, and its PostgreSQL as seen from outside. */
export interface ClusterNode {
  readonly name: string;
  readonly place: Place;
  readonly port: number;
  readonly pgdata: string;
  readonly stateDirectory: string;
  /** The keeper that was started last. Throws when none ever was. */
  keeper(): ClusterProcess;
  /** Registers the node and runs its keeper: `create postgres … --run`. */
  create(env?: NodeJS.ProcessEnv): ClusterProcess;
  /** The command line of {@link create}, without `--run`. */
  readonly createCommand: readonly string[];
  /** Starts a keeper with `pgbaton run`. */
  startKeeper(env?: NodeJS.ProcessEnv): ClusterProcess;
  /** SIGKILL; PostgreSQL goes on. */
  killKeeper(): Promise<void>;
  /** What postmaster.pid says, when that process lives. */
  postmaster(): Postmaster | undefined;
  /** Throws when PostgreSQL does not run. */
  postmasterPid(): number;
  /** SIGKILL to the postmaster alone; resolves when it is gone. */
  killPostgres(): Promise<void>;
  /** SIGKILL to every process of the server at once, as a machine that stops. */
  killAllOfPostgres(): Promise<void>;
  /** Sends a signal, such as SIGSTOP, to the postmaster alone or to every process of the server. */
  signalPostgres(whom: 'postmaster' | 'all', signal: NodeJS.Signals): void;
  /** One statement as the superuser over the Unix socket, which no lock-out of clients stops. */
  sql<R extends pg.QueryResultRow = Record<string, unknown>>(text: string, dbname?: string): Promise<R[]>;
}

export interface ClusterNodeOptions {
  readonly name: string;
  readonly port: number;
  readonly pgdata: string;
  /** Where its log goes. */
  readonly directory: string;
  /** Of `create postgres`, beside those for name, port and data directory. */
  readonly createArguments: readonly string[];
  readonly place?: Place;
  /** Called with each process, for the end of the test. */
  readonly onStart: (process: ClusterProcess) => void;
}

const GONE = { timeoutMs: 10_000 };

/** Describes a node; nothing runs before `create`. */
export function clusterNode(options: ClusterNodeOptions): ClusterNode {
  const { name, port, pgdata, directory, place = LOOPBACK, onStart } = options;
  const identity = ['--pgdata', pgdata, '--pgport', String(port), '--name', name];
  const createCommand = ['create', 'postgres', ...identity, ...options.createArguments];
  let keeper: ClusterProcess | undefined;

  function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ClusterProcess {
    keeper = startPgbaton(name, args, { cwd: directory, env, place });
    onStart(keeper);
    return keeper;
  }

  function postmaster(): Postmaster | undefined {
    try {
      const canonical = realpathSync(pgdata);
      const found = parsePidFile(readFileSync(join(canonical, 'postmaster.pid'), 'utf8'));
      return found !== undefined && isPostmasterOf(canonical, found.pid) ? found : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  function runningPostmaster(): Postmaster {
    const found = postmaster();
    if (found === undefined) throw new Error(`the PostgreSQL of ${name} does not run`);
    return found;
  }

  function serverPids(): readonly number[] {
    return findProcessesIn(realpathSync(pgdata), ['postgres', 'postmaster']).map(({ pid }) => pid);
  }

  async function kill(pids: readonly number[]): Promise<void> {
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await waitFor(`the end of PostgreSQL of ${name}`, startCountdown(GONE), 2, () =>
      pids.some(isAlive) ? undefined : true,
    );
  }

  return {
    name,
    place,
    port,
    pgdata,
    stateDirectory: `${pgdata}.pgbaton`,
    keeper() {
      if (keeper === undefined) throw new Error(`no keeper of ${name} was started`);
      return keeper;
    },
    createCommand,
    create: (env) => start([...createCommand, '--run'], env),
    startKeeper: (env) => start(['run', '--pgdata', pgdata], env),
    async killKeeper() {
      await keeper?.kill('SIGKILL');
    },
    postmaster,
    postmasterPid: () => runningPostmaster().pid,
    killPostgres: () => kill([runningPostmaster().pid]),
    killAllOfPostgres: () => kill(serverPids()),
    signalPostgres(whom, signal) {
      for (const pid of whom === 'all' ? serverPids() : [runningPostmaster().pid]) sendSignal(pid, signal);
    },
    async sql<R extends pg.QueryResultRow>(text: string, dbname = 'postgres') {
      const { socketDirectory } = runningPostmaster();
      if (!socketDirectory) throw new Error(`${name} has no Unix socket`);
      return querySocket<R>({ host: socketDirectory, port, database: dbname }, text);
    },
  };
}

async function querySocket<R extends pg.QueryResultRow>(
  where: { readonly host: string; readonly port: number; readonly database: string },
  text: string,
): Promise<R[]> {
  const client = new pg.Client({
    ...where,
    user: superuser(),
    connectionTimeoutMillis: 5_000,
    query_timeout: 20_000,
    application_name: 'test',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<R>(text)).rows;
  } finally {
    // One that never connected may never hear of its end.
    await Promise.race([client.end().catch(() => undefined), new Promise((done) => setTimeout(done, 200))]);
  }
}

/** Started by root, the servers run as `postgres`. */
function superuser(): string {
  const { USER } = cleanEnvironment();
  return process.getuid?.() === 0 ? 'postgres' : (USER ?? 'postgres');
}
