import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ETCD_ENVIRONMENT, etcdArguments } from '../../src/programs/demo/etcd-arguments.ts';
import { startCountdown, waitFor } from '../../src/system/clock.ts';
import { freePort } from './free-port.ts';

/** An etcd of real servers on loopback, killed when its test process ends in whatever way. */
export interface EtcdCluster {
  readonly members: readonly EtcdMember[];
  /** Runs etcdctl; resolves with its output. */
  ctl(...args: readonly string[]): Promise<string>;
  /** The member that leads now. */
  leader(): Promise<EtcdMember>;
  /** Lets a majority answer again before the test goes on. */
  ready(): Promise<void>;
  /** Kills all members and removes their data. */
  remove(): Promise<void>;
}

export interface EtcdMember {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  start(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again from a file of `etcdctl snapshot save`, as a cluster of its own. */
  restore(file: string): Promise<void>;
  pause(): void;
  resume(): void;
}

export interface EtcdClusterOptions {
  readonly size?: number;
  /** Files for TLS between clients and members. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

const READY = { timeoutMs: 60_000 };

/** Undefined when etcd's programs are there, else the sentence that says why these tests are skipped. */
export const ETCD_MISSING =
  isThere('etcd') && isThere('etcdctl') ? undefined : 'etcd and etcdctl are not installed';

function isThere(program: string): boolean {
  return spawnSync(program, [program === 'etcd' ? '--version' : 'version']).status === 0;
}

export async function startEtcdCluster(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-etcd-'));
  const scheme = options.tls === undefined ? 'http' : 'https';
  const named = await Promise.all(
    Array.from({ length: options.size ?? 3 }, async (_, index) => ({
      name: `m${index + 1}`,
      host: '127.0.0.1',
      port: await freePort(),
      peerPort: await freePort(),
      metricsPort: await freePort(),
    })),
  );
  const members = named.map((each) => {
    const dataDirectory = join(directory, each.name);
    return createMember({
      ...each,
      dataDirectory,
      args: [
        ...etcdArguments({ member: each, members: named, dataDirectory, scheme }),
        `--listen-metrics-urls=http://127.0.0.1:${each.metricsPort}`,
        ...(options.tls === undefined ? [] : tlsArguments(options.tls)),
      ],
    });
  });
  const removeAtExit = (): void => {
    for (const member of members) member.killNow();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', removeAtExit);
  for (const member of members) member.start();

  const endpoints = members.map(({ host, port }) => `${scheme}://${host}:${port}`);
  const ctl = async (...args: readonly string[]): Promise<string> => {
    const tlsFlags =
      options.tls === undefined
        ? []
        : ['--cacert', options.tls.ca, '--cert', options.tls.cert, '--key', options.tls.key];
    return etcdctl(['--endpoints', endpoints.join(','), ...tlsFlags, ...args]);
  };
  const cluster: EtcdCluster = {
    members,
    ctl,
    async leader() {
      return waitFor('a leader of etcd', startCountdown(READY), 50, async () => {
        const leads = await Promise.all(named.map(({ host, metricsPort }) => isLeader(host, metricsPort)));
        return members[leads.indexOf(true)];
      });
    },
    async ready() {
      await waitFor('a majority of etcd', startCountdown(READY), 50, async () => {
        const answers = await Promise.all(named.map(({ host, metricsPort }) => isHealthy(host, metricsPort)));
        return answers.filter(Boolean).length > members.length / 2 ? true : undefined;
      });
    },
    async remove() {
      await Promise.all(members.map((member) => member.kill()));
      process.off('exit', removeAtExit);
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    await cluster.ready();
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}

async function isHealthy(host: string, port: number): Promise<boolean> {
  return (await ask(host, port, 'health'))?.ok === true;
}

/** Whether the member leads, asked where it tells its metrics. */
export async function isLeader(host: string, port: number): Promise<boolean> {
  const metrics = await (await ask(host, port, 'metrics'))?.text();
  return metrics?.includes('\netcd_server_is_leader 1\n') === true;
}

/** Undefined when the member does not answer. */
function ask(host: string, port: number, path: string): Promise<Response | undefined> {
  const signal = AbortSignal.timeout(2_000);
  return fetch(`http://${host}:${port}/${path}`, { signal }).catch(() => undefined);
}

function tlsArguments({ ca, cert, key }: NonNullable<EtcdClusterOptions['tls']>): string[] {
  return ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', ca, '--client-cert-auth'];
}

function createMember(options: {
  readonly name: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly args: readonly string[];
}): EtcdMember & { killNow(): void } {
  let child: ChildProcess | undefined;
  const member: EtcdMember & { killNow(): void } = {
    name: options.name,
    host: '127.0.0.1',
    port: options.port,
    dataDirectory: options.dataDirectory,
    start() {
      // The kernel ends it with this process, however that ends.
      child = spawn('setpriv', ['--pdeathsig', 'KILL', 'etcd', ...options.args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'], ...ETCD_ENVIRONMENT },
      });
      child.stderr?.pipe(createWriteStream(`${options.dataDirectory}.log`, { flags: 'a' }));
      child.stdout?.resume();
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async restore(file) {
      await member.kill();
      rmSync(options.dataDirectory, { recursive: true });
      await restoreSnapshot(file, options.args);
      member.start();
    },
    killNow: () => void child?.kill('SIGKILL'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  };
  return member;
}

/** Makes the data directory of a member of a file of `etcdctl snapshot save`; `args` are those that it is started with. */
export async function restoreSnapshot(file: string, args: readonly string[]): Promise<void> {
  const flags = args.filter((each) =>
    /^--(name|data-dir|initial-cluster|initial-advertise-peer-urls)=/.test(each),
  );
  await etcdctl(['snapshot', 'restore', file, '--initial-cluster-token', 'restored', ...flags]);
}

/** Resolves with what it prints. */
export async function etcdctl(args: readonly string[]): Promise<string> {
  const env = { ...process.env, ETCDCTL_API: '3' };
  return (await promisify(execFile)('etcdctl', [...args], { env, timeout: 30_000 })).stdout;
}
