import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createMonitorClient, type MonitorClient } from '../../src/api/client.ts';
import { readTokenFile } from '../../src/config/environment.ts';
import type { MonitorConfig } from '../../src/config/monitor-config.ts';
import { parseMonitorUri } from '../../src/config/monitor-uri.ts';
import { createMonitorDirectory } from '../../src/monitor/create-monitor-directory.ts';
import { freePort } from './free-port.ts';

const MONITOR_MAIN = join(import.meta.dirname, '../../src/programs/monitor-main.ts');

/** A monitor in a process and a directory of its own; both are gone when the test ends. */
export interface TestMonitor {
  readonly directory: string;
  readonly port: number;
  readonly uri: string;
  readonly tokenFile: string | null;
  /** A client with the monitor's token; closed when the test ends. */
  readonly client: MonitorClient;
  /** Starts the process and waits until it answers. */
  start(): Promise<void>;
  /** Starts a process that is expected to end by itself; resolves with its exit code. */
  runToEnd(): Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal and waits for the end of the process. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** All that the processes of this monitor have written to stderr. */
  output(): string;
}

export async function createTestMonitor(
  context: TestContext,
  changes: Partial<MonitorConfig> = {},
): Promise<TestMonitor> {
  const parent = mkdtempSync(join(tmpdir(), 'pgbaton-monitor-'));
  context.after(() => rmSync(parent, { recursive: true, force: true }));
  const directory = join(parent, 'monitor');
  const config = monitorConfig(await freePort(), changes);
  const { uri, tokenFile } = await createMonitorDirectory(directory, config);
  const token = tokenFile === null ? undefined : readTokenFile(tokenFile);
  const client = createMonitorClient(parseMonitorUri(uri), { token, timeoutMs: 5_000 });
  context.after(() => client.close());

  let child: ChildProcess | undefined;
  let output = '';
  context.after(() => child?.kill('SIGKILL'));

  function launch(): ChildProcess {
    const started = spawn(process.execPath, [MONITOR_MAIN, directory], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    started.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child = started;
    return started;
  }

  return {
    directory,
    port: config.port,
    uri,
    tokenFile,
    client,
    async start() {
      const started = launch();
      await eventually(`the monitor answers: ${uri}`, async () => {
        if (started.exitCode !== null) throw new Error(`the monitor ended: ${output}`);
        return (await client.health({ timeoutMs: 1_000 }).catch(() => undefined))?.ok;
      });
    },
    async runToEnd() {
      const [code] = (await once(launch(), 'close')) as [number | null];
      return code;
    },
    signal: (signal) => void child?.kill(signal),
    async end(signal) {
      const ending = child;
      if (ending === undefined || ending.exitCode !== null) return ending?.exitCode ?? null;
      const closed = once(ending, 'close');
      ending.kill(signal);
      const [code] = (await closed) as [number | null];
      return code;
    },
    output: () => output,
  };
}

export function monitorConfig(port: number, changes: Partial<MonitorConfig> = {}): MonitorConfig {
  return {
    role: 'monitor',
    hostname: 'localhost',
    port,
    listenAddresses: '127.0.0.1',
    auth: 'token',
    store: { uri: null },
    ssl: { mode: 'self-signed', certFile: null, keyFile: null, caFile: null },
    events: { retentionDays: 30, retentionRows: 100_000 },
    log: { level: 'info', format: 'text' },
    ...changes,
  };
}

/** Asks until the answer is truthy. Fails with `what` after the deadline, which only a fault reaches. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 20_000,
  pauseMs = 20,
): Promise<T> {
  const endsAtMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endsAtMs) throw new Error(`did not happen within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
