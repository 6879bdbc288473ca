import type { TestContext } from 'node:test';
import type { MonitorClient } from '../../src/api/client.ts';
import type { GroupBody } from '../../src/api/schemas.ts';
import { readTokenFile } from '../../src/config/environment.ts';
import { useToken } from '../../src/deciding/derived-secrets.ts';
import { createStoreClient } from '../../src/deciding/store-client.ts';
import { openStore } from '../../src/keeper/open-store.ts';
import type { CommandOutcome } from './cluster-process.ts';
import { startEtcdCluster } from './etcd-cluster.ts';
import { waitForRest, type AtRest } from './group-at-rest.ts';
import { clusterFor, type TestCluster } from './test-cluster.ts';

/** A group of three, its monitor, and an etcd that it can move into. */
export interface TwoHomes {
  readonly cluster: TestCluster;
  readonly monitor: TestHome;
  readonly etcd: TestHome;
}

export interface TestHome {
  readonly uri: string;
  /** Runs a command that asks this home; an environment may be the last word. */
  pgbaton(...args: readonly (string | NodeJS.ProcessEnv)[]): Promise<CommandOutcome>;
  settled(options?: AtRest): Promise<GroupBody>;
  /** Kills the primary's PostgreSQL and waits until the group is whole again under another one. */
  failOver(): Promise<void>;
}

const ADDRESS = { formation: 'default', group: 0 };

/** Both homes run; the group is in that of the monitor. */
export async function twoHomes(context: TestContext): Promise<TwoHomes> {
  const servers = await startEtcdCluster();
  context.after(() => servers.remove());
  const cluster = await clusterFor(context, { auth: 'scram-sha-256', monitorAuth: 'token' });
  const { uri: monitorUri, tokenFile } = cluster.monitor;
  const token = readTokenFile(tokenFile ?? '');
  const endpoints = servers.members.map(({ host, port }) => `${host}:${port}`).join(',');
  const etcdUri = `etcd://${endpoints}/groups?sslmode=disable`;

  function home(uri: string, option: string, connect: () => Promise<MonitorClient>): TestHome {
    async function withClient<T>(work: (client: MonitorClient) => Promise<T>): Promise<T> {
      const client = await connect();
      try {
        return await work(client);
      } finally {
        if (client !== cluster.monitor.client) client.close();
      }
    }
    const settled: TestHome['settled'] = (options = {}) =>
      withClient((client) => waitForRest(client, ADDRESS, options));
    return {
      uri,
      pgbaton(...given) {
        const args = given.filter((each) => typeof each === 'string');
        const env = given.find((each) => typeof each === 'object');
        return cluster.pgbaton([...args, option, uri], env);
      },
      settled,
      async failOver() {
        const { record } = await settled();
        const holder = record.nodes.find(({ id }) => id === record.reign?.holder)?.name;
        await cluster.nodes.find(({ name }) => name === holder)?.killPostgres();
        await settled({ nodes: record.nodes.length, afterTerm: record.reign?.term ?? 0 });
      },
    };
  }

  return {
    cluster,
    monitor: home(monitorUri, '--monitor', () => Promise.resolve(cluster.monitor.client)),
    etcd: home(etcdUri, '--store', () => createStoreClient(openStore(etcdUri, {}), useToken(token))),
  };
}
