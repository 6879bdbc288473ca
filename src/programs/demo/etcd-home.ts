import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { MonitorClient } from '../../api/client.ts';
import { readTokenFile } from '../../config/environment.ts';
import { nodeFiles } from '../../config/paths.ts';
import { BatonError } from '../../lib/baton-error.ts';
import { startCountdown, waitFor } from '../../system/clock.ts';
import { DEMO_HOST, type DemoHome, type DemoHomeOptions } from './demo-home.ts';
import { etcdArguments, type EtcdMemberAddress } from './etcd-arguments.ts';

const MEMBERS = 3;

/** Two for each member of etcd, and one for each keeper. */
export function etcdPorts(nodes: number): number {
  return 2 * MEMBERS + nodes;
}

const START = { timeoutMs: 30_000 };
const FIRST_NODE = { timeoutMs: 30_000 };
const PAUSE_MS = 50;

/** An etcd of three members, and keepers that decide by what stands in it: there is no monitor. */
export function etcdHome(options: DemoHomeOptions): DemoHome {
  const { directory, ports, signal, say, start, assertAllRun } = options;
  const program = findEtcd();
  const members = Array.from({ length: MEMBERS }, (_, index): EtcdMemberAddress => {
    const [port = 0, peerPort = 0] = ports.slice(2 * index);
    return { name: `etcd${index + 1}`, host: DEMO_HOST, port, peerPort };
  });
  const keeperPorts = ports.slice(2 * MEMBERS);
  const uri = `etcd://${members.map(({ host, port }) => `${host}:${port}`).join(',')}/pgbaton?sslmode=disable`;
  const firstNode = join(directory, 'node1');
  const { tokenFile } = nodeFiles(firstNode);
  let described = 0;

  /** Asks again until there is an answer; the last failure is the one to be told. */
  async function eventually<T>(limit: typeof START, ask: () => Promise<T | undefined>): Promise<T> {
    const countdown = startCountdown(limit);
    return waitFor('etcd', countdown, PAUSE_MS, async () => {
      signal.throwIfAborted();
      assertAllRun();
      try {
        return await ask();
      } catch (error) {
        if (countdown.remainingMs() === 0) throw error;
        return undefined;
      }
    });
  }

  return {
    async start() {
      say(`etcd starts with ${MEMBERS} members, on ports ${members.map(({ port }) => port).join(', ')}`);
      for (const member of members) {
        const dataDirectory = join(directory, member.name);
        start(member.name, etcdArguments({ member, members, dataDirectory }), [program]);
      }
      const { openStore } = await import('../../keeper/open-store.ts');
      await using store = openStore(uri, {});
      await eventually(START, () => store.list('', { timeoutMs: 1_000 }));
    },
    nodeArguments() {
      const isFirst = described === 0;
      const keeperPort = String(keeperPorts[described++]);
      // The first one makes the token of the formation.
      return ['--store', uri, '--keeper-port', keeperPort, ...(isFirst ? [] : ['--token-file', tokenFile])];
    },
    async connect() {
      const token = await eventually(FIRST_NODE, () => Promise.resolve(readTokenFile(tokenFile)));
      return eventually(FIRST_NODE, () => connect(uri, token));
    },
    monitor: undefined,
    directory: firstNode,
  };
}

/** A client reads the formations when it is made: undefined before there is one. */
async function connect(uri: string, token: string): Promise<MonitorClient | undefined> {
  const { openStore } = await import('../../keeper/open-store.ts');
  const { createStoreClient } = await import('../../deciding/store-client.ts');
  const { useToken } = await import('../../deciding/derived-secrets.ts');
  const client = await createStoreClient(openStore(uri, {}), useToken(token));
  if ((await client.listFormations()).length > 0) return client;
  client.close();
  return undefined;
}

/** Throws BATON_COMMAND_FAILED where there is none, which is no failure of pgbaton's: nothing else needs etcd here. */
function findEtcd(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => join(folder, 'etcd')).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new BatonError(
    'BATON_COMMAND_FAILED',
    'the demo with etcd needs the program "etcd", which is not in PATH',
    {
      hint: 'Install it, on Debian and Ubuntu with: apt-get install etcd-server',
    },
  );
}
