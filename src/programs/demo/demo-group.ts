import { mkdtempSync, chmodSync, realpathSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMonitorClient, type MonitorClient } from '../../api/client.ts';
import { readTokenFile } from '../../config/environment.ts';
import { formatMonitorUri, type MonitorAddress } from '../../config/monitor-uri.ts';
import { monitorFiles } from '../../config/paths.ts';
import { BatonError, toBatonError } from '../../lib/baton-error.ts';
import { sleep, startCountdown } from '../../system/clock.ts';
import { startDemoProcess, type DemoProcess } from './demo-process.ts';
import { findFreePorts } from './free-ports.ts';
import { watchStates, type StateWatch } from './state-watch.ts';
import { endPostgresBelow } from './postgres-processes.ts';

/** Everything of the demo listens here only. */
const HOST = '127.0.0.1';

const START_MONITOR = { timeoutMs: 20_000 };
const REGISTER = { timeoutMs: 30_000 };
const END = { timeoutMs: 15_000 };

export interface DemoNode {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly process: DemoProcess;
}

/** A monitor and its nodes, each a process of its own, in a directory of their own. */
export interface DemoGroup {
  readonly directory: string;
  readonly monitor: DemoProcess;
  readonly monitorDirectory: string;
  readonly nodes: readonly DemoNode[];
  readonly client: MonitorClient;
  readonly states: StateWatch;
  /** The pid of a node's PostgreSQL. Throws BATON_NOT_RUNNING. */
  postmasterPid(node: DemoNode): Promise<number>;
  /** Kills the process of a node or of the monitor and starts it as a service manager does: `pgbaton run`. */
  restart(killed: DemoProcess, dataDirectory: string): Promise<DemoProcess>;
}

export interface DemoGroupOptions {
  readonly nodes: number;
  /** Where the group's directory is made; undefined: the folder for temporary files. */
  readonly parent: string | undefined;
  readonly program: readonly string[];
  readonly keep: boolean;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/**
 * Makes a group, lends it to `use`, and removes it again however that ends:
 * every process, and the directory unless it is to be kept. Throws what `use`
 * throws, and BATON_INTERNAL when something could not be removed.
 */
export async function withDemoGroup<T>(
  options: DemoGroupOptions,
  use: (group: DemoGroup) => Promise<T>,
): Promise<T> {
  const directory = makeDirectory(options.parent);
  const processes: DemoProcess[] = [];
  const closing: (() => Promise<void> | void)[] = [];
  try {
    const group = await startGroup(options, directory, processes, closing);
    return await use(group);
  } finally {
    for (const close of closing) await close();
    await remove(directory, processes, options.keep);
  }
}

function makeDirectory(parent: string | undefined): string {
  try {
    const directory = mkdtempSync(join(parent ?? tmpdir(), 'pgbaton-demo-'));
    // Started by root, the servers run as another user, who must be able to enter.
    chmodSync(directory, 0o755);
    return realpathSync(directory);
  } catch (error) {
    throw new BatonError(
      'BATON_PRIVILEGES',
      `no directory for the demo could be made in "${parent ?? tmpdir()}"`,
      {
        detail: toBatonError(error).message,
        hint: 'Name another place with --directory.',
        cause: error,
      },
    );
  }
}

async function startGroup(
  { nodes: count, program, signal, say }: DemoGroupOptions,
  directory: string,
  processes: DemoProcess[],
  closing: (() => Promise<void> | void)[],
): Promise<DemoGroup> {
  const [monitorPort = 0, ...ports] = await findFreePorts(count + 1);
  const start = (name: string, args: readonly string[]): DemoProcess => {
    signal.throwIfAborted();
    const started = startDemoProcess({ name, program, args, directory });
    processes.push(started);
    return started;
  };

  const monitorDirectory = join(directory, 'monitor');
  const address: MonitorAddress = { host: HOST, port: monitorPort, sslmode: 'require' };
  const tokenFile = monitorFiles(monitorDirectory).tokenFile;
  say(`the monitor starts on port ${monitorPort}`);
  const monitor = start('monitor', monitorArguments(monitorDirectory, monitorPort));
  const client = await connect(address, tokenFile, monitor, signal);
  closing.push(() => client.close());

  const nodes: DemoNode[] = [];
  const states = watchStates({
    client,
    address: { formation: 'default', group: 0 },
    signal,
    check: () => processes.forEach((each) => each.assertRuns()),
  });
  closing.unshift(() => states.close());
  for (const [index, port] of ports.entries()) {
    const name = `node${index + 1}`;
    const dataDirectory = join(directory, name);
    say(`${name} starts on port ${port}${index === 0 ? ' and makes a new database' : ' and copies it'}`);
    const started = start(name, nodeArguments({ name, dataDirectory, port, address, tokenFile }));
    nodes.push({ name, host: HOST, port, dataDirectory, process: started });
    // The first to be registered is the first primary; the others need not wait for one another.
    if (index === 0) await states.until('the first node to register', REGISTER, ({ length }) => length > 0);
  }
  return {
    directory,
    monitor,
    monitorDirectory,
    nodes,
    client,
    states,
    postmasterPid,
    async restart(killed, dataDirectory) {
      await killed.kill(END);
      return start(killed.name, ['run', '--pgdata', dataDirectory]);
    },
  };
}

function monitorArguments(dataDirectory: string, port: number): readonly string[] {
  const where = ['--pgdata', dataDirectory, '--pgport', String(port), '--hostname', HOST, '--listen', HOST];
  return ['create', 'monitor', ...where, '--ssl-self-signed', '--run'];
}

function nodeArguments(node: {
  readonly name: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly address: MonitorAddress;
  readonly tokenFile: string;
}): readonly string[] {
  const where = ['--pgdata', node.dataDirectory, '--pgport', String(node.port), '--hostname', HOST];
  const monitor = ['--monitor', formatMonitorUri(node.address), '--token-file', node.tokenFile];
  // The demo's rows are nobody's secret, and a password for psql would only be in the way.
  const access = ['--listen', HOST, '--auth', 'trust', '--ssl-self-signed'];
  return ['create', 'postgres', '--name', node.name, ...where, ...monitor, ...access, '--run'];
}

/** Waits until the monitor answers: its token is there then as well. */
async function connect(
  address: MonitorAddress,
  tokenFile: string,
  monitor: DemoProcess,
  signal: AbortSignal,
): Promise<MonitorClient> {
  const countdown = startCountdown(START_MONITOR);
  const probe = createMonitorClient(address, { timeoutMs: 1_000 });
  try {
    for (;;) {
      signal.throwIfAborted();
      monitor.assertRuns();
      try {
        await probe.health();
        return createMonitorClient(address, { token: readTokenFile(tokenFile) });
      } catch (error) {
        if (countdown.remainingMs() === 0) throw error;
      }
      await sleep(20, signal);
    }
  } finally {
    probe.close();
  }
}

async function postmasterPid(node: DemoNode): Promise<number> {
  const file = join(node.dataDirectory, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  if (Number.isInteger(pid) && pid > 1) return pid;
  throw new BatonError('BATON_NOT_RUNNING', `the PostgreSQL of ${node.name} does not run`);
}

/** Ends what was started, in the order in which nothing is started again, and looks whether all of it is gone. */
async function remove(directory: string, processes: readonly DemoProcess[], keep: boolean): Promise<void> {
  const ends = await Promise.allSettled(processes.map((each) => each.kill(END)));
  const left = await endPostgresBelow(directory, END);
  const immortal = [
    ...processes
      .filter((_, index) => ends[index]?.status === 'rejected')
      .map(({ name, pid }) => `${name} (${pid})`),
    ...left.map(({ name, pid }) => `${name} (${pid})`),
  ];
  if (immortal.length > 0) {
    throw new BatonError('BATON_INTERNAL', `the demo could not end ${immortal.join(', ')}`, {
      detail: `Their directory is "${directory}".`,
    });
  }
  if (!keep) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
