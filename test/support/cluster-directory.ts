import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endPostgresBelow, postgresProcessesBelow } from '../../src/programs/demo/postgres-processes.ts';
import { isAlive, sendSignal } from '../../src/system/process.ts';
import { tail, type ClusterProcess } from './cluster-process.ts';

/** The folder of a test cluster and all that runs in it. */
export interface ClusterDirectory {
  readonly path: string;
  /** To be told of every process, so that none is left behind. */
  onStart(process: ClusterProcess): void;
  /** The last lines of the logs of all processes, and of these files. */
  logs(others: readonly string[]): string;
  /** Ends all processes and removes all files. Fails when a process is left. */
  remove(): Promise<void>;
}

const END = { timeoutMs: 20_000 };

/** Makes a new folder, or takes one that is there already. */
export function makeClusterDirectory(folder?: string): ClusterDirectory {
  const path = realpathSync(folder ?? mkdtempSync(join(tmpdir(), 'pgbaton-cluster-')));
  // Started by root, the servers run as another user, who must be able to enter.
  if (folder === undefined) chmodSync(path, 0o755);
  const processes: ClusterProcess[] = [];
  const forget = removeAtExit(path, processes);
  return {
    path,
    onStart: (process) => void processes.push(process),
    logs(others) {
      const files = new Set([...processes.map(({ logFile }) => logFile), ...others]);
      return [...files]
        .filter((file) => existsSync(file))
        .map((file) => `--- ${file}\n${tail(file)}\n`)
        .join('');
    },
    async remove() {
      await Promise.all(processes.map((process) => process.kill('SIGKILL')));
      const left = await endPostgresBelow(path, END);
      forget();
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
      assert.deepEqual(left, [], 'processes were left behind');
    },
  };
}

/** The last net: a test process that is told to end, or fails outside of its tests, leaves nothing behind either. */
function removeAtExit(path: string, processes: readonly ClusterProcess[]): () => void {
  const remove = (): void => {
    const pids = processes.filter((each) => each.ended() === undefined).map(({ pid }) => pid);
    for (const pid of [...pids, ...postgresProcessesBelow(path).map((each) => each.pid)])
      if (isAlive(pid)) sendSignal(pid, 'SIGKILL');
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  };
  const onSignal = (): void => {
    remove();
    process.exit(1);
  };
  process.once('exit', remove);
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  return () => {
    process.off('exit', remove);
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
  };
}
