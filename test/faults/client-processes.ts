import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { sleep } from '../../src/system/clock.ts';
import { makeFolder } from '../support/hosts/hosts-run.ts';
import type { Host } from '../support/hosts/host.ts';
import type { ClientHistory } from './checks/findings.ts';
import { readClientLog } from './clients/client-log.ts';

/** The clients of one scenario: processes of their own, each on its host, each with a log of its own. */
export interface ClientProcesses {
  /** Starts the application. */
  startWriter(host: Host, addresses: readonly string[]): void;
  /** Starts the client that sits beside a node; once more when the last one has died with its host. */
  startLocal(host: Host, address: string): void;
  /** Resolves when the application was told of so many more commits. */
  progress(rows?: number): Promise<void>;
  /** Ends all of them; what they have begun they end first. */
  stop(): Promise<void>;
  histories(): readonly ClientHistory[];
  /** That of the application. */
  writerHistory(): ClientHistory;
}

const PROGRAMS = join(import.meta.dirname, 'clients');
const WRITER = 'writer';
const PROGRESS_MS = 90_000;
/** A little longer than the longest deadline of a client. */
const END_MS = 15_000;

export function clientProcesses(folder: string): ClientProcesses {
  mkdirSync(folder, { recursive: true });
  makeFolder(folder, 'postgres');
  const running = new Map<string, ChildProcess>();
  const logOf = (client: string): string => join(folder, `${client}.jsonl`);

  function start(host: Host, client: string, program: string, args: readonly string[]): void {
    const argv = [process.execPath, join(PROGRAMS, program), client, logOf(client), ...args];
    running.set(
      client,
      host.spawn(argv, { user: 'postgres', cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] }),
    );
  }

  function acknowledged(): number {
    try {
      return readFileSync(logOf(WRITER), 'utf8').split('"kind":"acknowledged"').length - 1;
    } catch (error) {
      // It has not written anything down yet.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  const history = (client: string): ClientHistory => ({ client, records: readClientLog(logOf(client)) });
  return {
    startWriter: (host, addresses) => start(host, WRITER, 'writer-main.ts', addresses),
    startLocal(host, address) {
      // Ids belong to a name: the next client on this host must not use them again.
      const earlier = [...running.keys()].filter((client) => client.startsWith(`${host.name}-`));
      const last = earlier.at(-1);
      if (last !== undefined && !hasEnded(running.get(last))) return;
      start(host, `${host.name}-${earlier.length + 1}`, 'local-main.ts', [address]);
    },
    async progress(rows = 20) {
      const before = acknowledged();
      const endsAtMs = performance.now() + PROGRESS_MS;
      while (acknowledged() < before + rows) {
        if (performance.now() > endsAtMs)
          throw new Error(
            `${acknowledged() - before} of ${rows} commits were acknowledged within ${PROGRESS_MS} ms`,
          );
        await sleep(100);
      }
    },
    async stop() {
      await Promise.all([...running.values()].map(end));
    },
    histories: () => [...running.keys()].map(history),
    writerHistory: () => history(WRITER),
  };
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  await Promise.race([ended, sleep(END_MS, late.signal)]);
  late.abort();
  if (hasEnded(child)) return;
  child.kill('SIGKILL');
  await ended;
}
