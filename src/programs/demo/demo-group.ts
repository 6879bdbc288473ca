import { mkdtempSync, chmodSync, realpathSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MonitorClient } from '../../api/client.ts';
import { BatonError, toBatonError } from '../../lib/baton-error.ts';
import { DEMO_HOST, type DemoHome, type DemoHomeOptions, type DemoStore } from './demo-home.ts';
import { startDemoProcess, type DemoProcess } from './demo-process.ts';
import { etcdHome, etcdPorts } from './etcd-home.ts';
import { findFreePorts } from './free-ports.ts';
import { MONITOR_PORTS, monitorHome } from './monitor-home.ts';
import { watchStates, type StateWatch } from './state-watch.ts';
import { endPostgresBelow } from './postgres-processes.ts';

const REGISTER = { timeoutMs: 30_000 };
const END = { timeoutMs: 15_000 };

export interface DemoNode {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly process: DemoProcess;
}

/** A group and the home of its decisions, each part a process of its own, in a directory of their own. */
export interface DemoGroup {
  readonly directory: string;
  /** The home of the decisions. */
  readonly home: DemoHome;
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
  /** A monitor, where it is not said otherwise. */
  readonly store?: DemoStore;
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
  { nodes: count, store = 'monitor', program, signal, say }: DemoGroupOptions,
  directory: string,
  processes: DemoProcess[],
  closing: (() => Promise<void> | void)[],
): Promise<DemoGroup> {
  const start: DemoHomeOptions['start'] = (name, args, other = program) => {
    signal.throwIfAborted();
    const started = startDemoProcess({ name, program: other, args, directory });
    processes.push(started);
    return started;
  };
  const assertAllRun = (): void => processes.forEach((each) => each.assertRuns());
  const [makeHome, homePorts] =
    store === 'etcd' ? ([etcdHome, etcdPorts(count)] as const) : ([monitorHome, MONITOR_PORTS] as const);
  // All at once: ports that nobody listens on yet would be found twice.
  const free = await findFreePorts(homePorts + count);
  const home = makeHome({ directory, ports: free.slice(0, homePorts), signal, say, start, assertAllRun });
  await home.start();

  let made: Pick<DemoGroup, 'client' | 'states'> | undefined;
  const nodes: DemoNode[] = [];
  for (const [index, port] of free.slice(homePorts).entries()) {
    const name = `node${index + 1}`;
    const dataDirectory = join(directory, name);
    say(`${name} starts on port ${port}${index === 0 ? ' and makes a new database' : ' and copies it'}`);
    const started = start(name, nodeArguments({ name, dataDirectory, port }, home));
    nodes.push({ name, host: DEMO_HOST, port, dataDirectory, process: started });
    if (made !== undefined) continue;
    const client = await home.connect();
    closing.push(() => client.close());
    const address = { formation: 'default', group: 0 };
    const states = watchStates({ client, address, signal, check: assertAllRun });
    closing.unshift(() => states.close());
    made = { client, states };
    // The first to be registered is the first primary; the others need not wait for one another.
    await states.until('the first node to register', REGISTER, ({ length }) => length > 0);
  }
  if (made === undefined) throw new BatonError('BATON_USAGE', 'a group needs a node');
  return {
    directory,
    home,
    nodes,
    ...made,
    postmasterPid,
    async restart(killed, dataDirectory) {
      await killed.kill(END);
      return start(killed.name, ['run', '--pgdata', dataDirectory]);
    },
  };
}

function nodeArguments(
  node: { readonly name: string; readonly dataDirectory: string; readonly port: number },
  home: DemoHome,
): readonly string[] {
  const where = ['--pgdata', node.dataDirectory, '--pgport', String(node.port), '--hostname', DEMO_HOST];
  // The demo's rows are nobody's secret, and a password for psql would only be in the way.
  const access = ['--listen', DEMO_HOST, '--auth', 'trust', '--ssl-self-signed'];
  const decided = home.nodeArguments();
  return ['create', 'postgres', '--name', node.name, ...where, ...decided, ...access, '--run'];
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
