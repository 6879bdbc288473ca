import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createMonitorClient, type MonitorClient } from '../../src/api/client.ts';
import { readTokenFile } from '../../src/config/environment.ts';
import { parseMonitorUri } from '../../src/config/monitor-uri.ts';
import type { ClusterDirectory } from './cluster-directory.ts';
import type { ClusterHome } from './cluster-home.ts';
import { startPgbaton, tail, type ClusterProcess } from './cluster-process.ts';
import { LOOPBACK, type Place } from './place.ts';
import { eventually } from './test-monitor.ts';

/** The monitor of a test cluster. */
export interface ClusterMonitor extends ClusterHome {
  readonly pgdata: string;
  readonly port: number;
  readonly uri: string;
  /** null with `--auth trust`. */
  readonly tokenFile: string | null;
  /** The process that was started last. */
  process(): ClusterProcess;
}

export interface ClusterMonitorOptions {
  readonly directory: ClusterDirectory;
  readonly port: number;
  readonly auth: 'trust' | 'token';
  readonly place?: Place;
}

/** Describes a monitor; nothing runs before `start`. */
export function clusterMonitor({
  directory,
  port,
  auth,
  place = LOOPBACK,
}: ClusterMonitorOptions): ClusterMonitor {
  const pgdata = join(directory.path, 'monitor');
  const uri = `pgbaton://${place.address}:${port}?sslmode=require`;
  const tokenFile = auth === 'trust' ? null : join(pgdata, 'token');
  let running: ClusterProcess | undefined;
  let client: MonitorClient | undefined;

  function started(): ClusterProcess {
    assert(running !== undefined, 'the monitor was never started');
    return running;
  }

  function launch(): void {
    const where = ['--pgdata', pgdata, '--pgport', String(port), '--hostname', place.address];
    const access = ['--listen', place.address, '--auth', auth, '--ssl-self-signed'];
    const create = ['create', 'monitor', ...where, ...access, '--run'];
    const isMade = existsSync(join(pgdata, 'pgbaton.yaml'));
    const args = isMade ? ['run', '--pgdata', pgdata] : create;
    running = startPgbaton('monitor', args, { cwd: directory.path, place });
    directory.onStart(running);
  }

  const monitor: ClusterMonitor = {
    pgdata,
    port,
    uri,
    tokenFile,
    process: started,
    get client() {
      assert(client !== undefined, 'the monitor was never started');
      return client;
    },
    async start() {
      launch();
      const probe = createMonitorClient(parseMonitorUri(uri), { timeoutMs: 1_000 });
      try {
        await eventually('the monitor answers', async () => {
          const process = started();
          if (process.ended() !== undefined) throw new Error(`the monitor ended\n${tail(process.logFile)}`);
          return (await probe.health().catch(() => undefined))?.ok;
        });
      } finally {
        probe.close();
      }
      const token = tokenFile === null ? undefined : readTokenFile(tokenFile);
      client ??= createMonitorClient(parseMonitorUri(uri), { token, timeoutMs: 5_000 });
    },
    async revive() {
      if (started().ended() !== undefined) await monitor.start();
    },
    async kill() {
      await running?.kill('SIGKILL');
    },
    createArguments: () =>
      Promise.resolve(['--monitor', uri, ...(tokenFile === null ? [] : ['--token-file', tokenFile])]),
    // It is there since the monitor has answered.
    connect: () => Promise.resolve(),
    environment: () => ({
      PGBATON_MONITOR: uri,
      ...(tokenFile === null ? {} : { PGBATON_MONITOR_TOKEN: readTokenFile(tokenFile) }),
    }),
    close: () => client?.close(),
  };
  return monitor;
}
