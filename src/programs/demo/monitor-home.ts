import { join } from 'node:path';
import { createMonitorClient } from '../../api/client.ts';
import { readTokenFile } from '../../config/environment.ts';
import { formatMonitorUri, type MonitorAddress } from '../../config/monitor-uri.ts';
import { monitorFiles } from '../../config/paths.ts';
import { sleep, startCountdown } from '../../system/clock.ts';
import { DEMO_HOST, type DemoHome, type DemoHomeOptions } from './demo-home.ts';
import type { DemoProcess } from './demo-process.ts';

export const MONITOR_PORTS = 1;

const START = { timeoutMs: 20_000 };

/** A monitor, as most groups have one. */
export function monitorHome({ directory, ports, signal, say, start }: DemoHomeOptions): DemoHome {
  const [port = 0] = ports;
  const address: MonitorAddress = { host: DEMO_HOST, port, sslmode: 'require' };
  const monitorDirectory = join(directory, 'monitor');
  const { tokenFile } = monitorFiles(monitorDirectory);
  let monitor: DemoProcess | undefined;
  return {
    async start() {
      say(`the monitor starts on port ${port}`);
      const where = ['--pgdata', monitorDirectory, '--pgport', String(port), '--hostname', DEMO_HOST];
      const access = ['--listen', DEMO_HOST, '--ssl-self-signed'];
      monitor = start('monitor', ['create', 'monitor', ...where, ...access, '--run']);
      await answers(address, monitor, signal);
    },
    nodeArguments: () => ['--monitor', formatMonitorUri(address), '--token-file', tokenFile],
    // The token is written before the monitor listens.
    connect: () => Promise.resolve(createMonitorClient(address, { token: readTokenFile(tokenFile) })),
    get monitor() {
      return monitor;
    },
    directory: monitorDirectory,
  };
}

async function answers(address: MonitorAddress, monitor: DemoProcess, signal: AbortSignal): Promise<void> {
  const countdown = startCountdown(START);
  const probe = createMonitorClient(address, { timeoutMs: 1_000 });
  try {
    for (;;) {
      signal.throwIfAborted();
      monitor.assertRuns();
      try {
        await probe.health();
        return;
      } catch (error) {
        if (countdown.remainingMs() === 0) throw error;
      }
      await sleep(20, signal);
    }
  } finally {
    probe.close();
  }
}
