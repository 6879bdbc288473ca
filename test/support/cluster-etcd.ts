import assert from 'node:assert/strict';
import { chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MonitorClient } from '../../src/api/client.ts';
import { readTokenFile } from '../../src/config/environment.ts';
import { useToken, type FormationToken } from '../../src/deciding/derived-secrets.ts';
import { createStoreClient } from '../../src/deciding/store-client.ts';
import { openStore } from '../../src/keeper/open-store.ts';
import {
  ETCD_ENVIRONMENT,
  etcdArguments,
  type EtcdMemberAddress,
} from '../../src/programs/demo/etcd-arguments.ts';
import type { ClusterDirectory } from './cluster-directory.ts';
import type { ClusterHome } from './cluster-home.ts';
import { startProgram, type ClusterProcess } from './cluster-process.ts';
import { isLeader, restoreSnapshot } from './etcd-cluster.ts';
import { PATIENCE_MS } from './group-at-rest.ts';
import type { Place } from './place.ts';
import { eventually } from './test-monitor.ts';
import { widestView, type Whereabouts } from './widest-view.ts';
import { freePort } from './free-port.ts';

/** An etcd as the home of a test cluster; its keepers decide, and there is no monitor. */
export interface ClusterEtcd extends ClusterHome {
  readonly members: readonly ClusterEtcdMember[];
  leader(): Promise<ClusterEtcdMember>;
}

export interface ClusterEtcdMember extends EtcdMemberAddress {
  /** The name of the place where it runs. */
  readonly placeName: string;
  readonly dataDirectory: string;
  process(): ClusterProcess;
  /** `extra`: what follows the usual arguments, and wins. */
  start(extra?: readonly string[]): void;
  kill(): Promise<void>;
  /** Kills it, and with it goes all that it has. */
  loseDisk(): Promise<void>;
  /** Its data from a file of `etcdctl snapshot save`, as of a new cluster. For one that has lost its own. */
  restore(file: string): Promise<void>;
}

export interface ClusterEtcdOptions {
  readonly directory: ClusterDirectory;
  /** Of the places where the members run. */
  readonly places: readonly string[];
  readonly placeOf: (name: string) => Place;
}

const FIRST_READ = { timeoutMs: 1_000 };

/** Describes it; nothing runs before `start`. */
export async function clusterEtcd({ directory, places, placeOf }: ClusterEtcdOptions): Promise<ClusterEtcd> {
  const addresses: EtcdMemberAddress[] = [];
  for (const [index, placeName] of places.entries()) {
    const host = placeOf(placeName).address;
    const [port, peerPort] = [await freePort(), await freePort()];
    addresses.push({ name: `etcd${index + 1}`, host, port, peerPort });
  }
  const members = addresses.map((member, index) => {
    const placeName = places[index] ?? '';
    return createMember({ member, members: addresses, placeName, place: placeOf(placeName), directory });
  });
  const uri = `etcd://${addresses.map(({ host, port }) => `${host}:${port}`).join(',')}/groups?sslmode=disable`;
  const keepers: Whereabouts[] = [];
  // A copy, because the node that has made it may be dropped.
  const tokenFile = join(directory.path, 'token');
  let firstState: string | undefined;
  let client: MonitorClient | undefined;

  const home: ClusterEtcd = {
    members,
    async leader() {
      return eventually('a leader of etcd', async () => {
        const leads = await Promise.all(members.map(({ host, port }) => isLeader(host, port)));
        return members[leads.indexOf(true)];
      });
    },
    get client() {
      assert(client !== undefined, 'the first node has not been made');
      return client;
    },
    async start() {
      for (const member of members) member.start();
      await answers(uri);
    },
    async revive() {
      for (const member of members) if (member.process().ended() !== undefined) member.start();
      await answers(uri);
    },
    async kill() {
      await Promise.all(members.map((member) => member.kill()));
    },
    async createArguments({ place, stateDirectory }) {
      const port = await freePort();
      keepers.push({ host: place.address, port });
      const isFirst = firstState === undefined;
      firstState ??= stateDirectory;
      const token = isFirst ? [] : ['--token-file', tokenFile];
      return ['--store', uri, '--keeper-port', String(port), ...token];
    },
    async connect() {
      const made = join(firstState ?? '', 'token');
      await eventually('the token', () => Promise.resolve(copySecret(made, tokenFile)), PATIENCE_MS);
      const token = useToken(readTokenFile(tokenFile));
      client = await eventually('the formation', () => connect(uri, token, keepers), PATIENCE_MS);
    },
    environment: () => ({ PGBATON_STORE: uri, PGBATON_MONITOR_TOKEN: readTokenFile(tokenFile) }),
    close: () => client?.close(),
  };
  return home;
}

function createMember(options: {
  readonly member: EtcdMemberAddress;
  readonly members: readonly EtcdMemberAddress[];
  readonly placeName: string;
  readonly place: Place;
  readonly directory: ClusterDirectory;
}): ClusterEtcdMember {
  const { member, members, place, placeName, directory } = options;
  const dataDirectory = join(directory.path, member.name);
  const args = etcdArguments({ member, members, dataDirectory });
  let running: ClusterProcess | undefined;
  const created: ClusterEtcdMember = {
    ...member,
    placeName,
    dataDirectory,
    process() {
      assert(running !== undefined, `${member.name} was never started`);
      return running;
    },
    start(extra = []) {
      running = startProgram(member.name, ['etcd', ...args, ...extra], {
        cwd: directory.path,
        place,
        env: ETCD_ENVIRONMENT,
      });
      directory.onStart(running);
    },
    async kill() {
      await running?.kill('SIGKILL');
    },
    async loseDisk() {
      await created.kill();
      rmSync(dataDirectory, { recursive: true });
    },
    restore: (file) => restoreSnapshot(file, args),
  };
  return created;
}

/** Waits until a majority answers. */
async function answers(uri: string): Promise<void> {
  await using store = openStore(uri, {});
  await eventually(
    'a majority of etcd',
    () =>
      store.list('', FIRST_READ).then(
        () => true,
        () => undefined,
      ),
    PATIENCE_MS,
  );
}

/** A client reads the formations when it is made: undefined before there is one. */
async function connect(
  uri: string,
  token: FormationToken,
  keepers: readonly Whereabouts[],
): Promise<MonitorClient | undefined> {
  const client = await createStoreClient(openStore(uri, {}), token);
  const [formation] = await client.listFormations();
  if (formation !== undefined) return widestView(client, keepers, token.keeperKey(formation.name));
  client.close();
  return undefined;
}

/** For whoever has the folder in which the copy is. Undefined as long as there is nothing to copy. */
function copySecret(from: string, to: string): true | undefined {
  try {
    writeFileSync(to, readFileSync(from), { mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { uid, gid } = statSync(join(to, '..'));
  chownSync(to, uid, gid);
  return true;
}
