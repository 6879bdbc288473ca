import { execFile, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Host } from '../../test/support/hosts/host.ts';
import { makeFolder, type HostsRun } from '../../test/support/hosts/hosts-run.ts';
import type { Network } from '../../test/support/hosts/network.ts';
import { sleep } from '../../src/system/clock.ts';
import type { DataNode } from './system.ts';

/** Everybody's servers run as this user. */
export const SERVER_USER = 'postgres';
export const BIN = '/usr/lib/postgresql/15/bin';

/** Where one cluster lives: hosts, folders, and the means to run things there. */
export interface Stage {
  readonly network: Network;
  readonly directory: string;
  /** Three hosts for servers. Each has its own port, because the sockets of all are in one folder. */
  dataNodes(): readonly DataNode[];
  /** A host and a folder for it. */
  addHost(name: string): Host;
  folderOf(host: Host): string;
  /** Starts a program in a host, its output in the folder of that host. */
  start(host: Host, argv: readonly string[]): ChildProcess;
  /** Runs a program in a host to its end; its stdout. Rejects when it fails, or after 120 s. */
  run(host: Host, argv: readonly string[]): Promise<string>;
}

const COMMAND_MS = 120_000;

export function makeStage(run: HostsRun, network: Network, name: string, firstPort: number): Stage {
  const directory = join(run.directory, name);
  makeFolder(directory, SERVER_USER);
  const folderOf = (host: Host): string => join(directory, host.name);
  // Of the caller's environment nothing may reach them: PGHOST or PGDATA would change what they do.
  const environment = (host: Host): NodeJS.ProcessEnv => ({
    PATH: `${BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: folderOf(host),
    XDG_RUNTIME_DIR: folderOf(host),
    TMPDIR: folderOf(host),
    LANG: 'C.UTF-8',
  });
  const stage: Stage = {
    network,
    directory,
    folderOf,
    addHost(hostName) {
      const host = network.addHost(hostName);
      makeFolder(folderOf(host), SERVER_USER);
      return host;
    },
    dataNodes: () =>
      [1, 2, 3].map((number) => {
        const host = stage.addHost(`node${number}`);
        return {
          name: host.name,
          host,
          port: firstPort + number,
          dataDirectory: join(folderOf(host), 'data'),
        };
      }),
    start(host, argv) {
      const log = openSync(join(folderOf(host), 'log'), 'a', 0o644);
      const child = host.spawn(argv, {
        user: SERVER_USER,
        cwd: folderOf(host),
        env: environment(host),
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      child.on('error', (error) => console.error(`${argv[0]} can't be started: ${error.message}`));
      child.unref();
      return child;
    },
    async run(host, argv) {
      const [file = '', ...args] = host.command(argv, SERVER_USER);
      const options = { cwd: folderOf(host), env: environment(host), timeout: COMMAND_MS };
      const { stdout } = await promisify(execFile)(file, args, options);
      return stdout;
    },
  };
  return stage;
}

/** Asks every quarter of a second until it is so; whether it was within the time. */
export async function becomes(timeoutS: number, condition: () => Promise<boolean>): Promise<boolean> {
  const endsAtMs = performance.now() + timeoutS * 1_000;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > endsAtMs) return false;
    await sleep(250);
  }
}

/** As {@link becomes}; throws when it was not. */
export async function until(
  what: string,
  timeoutS: number,
  condition: () => Promise<boolean>,
): Promise<void> {
  if (!(await becomes(timeoutS, condition))) throw new Error(`not within ${timeoutS} s: ${what}`);
}
