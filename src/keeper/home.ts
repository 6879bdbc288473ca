import { createMonitorClient } from '../api/client.ts';
import type { GroupSecretsBody } from '../api/schemas.ts';
import { readEnvironment, readTokenFile } from '../config/environment.ts';
import { parseMonitorUri } from '../config/monitor-uri.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { homeOf, keeperPortOf, type NodeHome } from '../config/node-home.ts';
import type { NodeFiles } from '../config/paths.ts';
import type { GroupSecrets } from '../deciding/service-calls.ts';
import { BatonError } from '../lib/baton-error.ts';
import { monotonicNow } from '../system/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { openGroupLink } from './group-link.ts';
import type { Journal } from './journal.ts';
import type { KeeperDependencies } from './keeper.ts';
import { passwordsOf } from './server-options.ts';

/** Those who decide for a node, as its keeper is connected with them. */
export interface OpenHome {
  readonly connect: KeeperDependencies['connect'];
  /** After the line that was opened. */
  close(): Promise<void>;
}

export interface HomeOptions {
  readonly config: NodeConfig;
  readonly files: NodeFiles;
  readonly env: NodeJS.ProcessEnv;
  readonly journal: Journal;
  readonly log: Logger;
}

/** Throws what the configuration and its files have wrong, and BATON_PORT_IN_USE where the keeper listens itself. */
export async function openHome(options: HomeOptions): Promise<OpenHome> {
  const home = homeOf(options.config);
  const { monitorToken } = readEnvironment(options.env);
  const token = monitorToken ?? (home.tokenFile === null ? undefined : readTokenFile(home.tokenFile));
  return home.kind === 'monitor' ? monitorHome(home, token, options) : storeHome(home, token, options);
}

function monitorHome(
  { uri }: NodeHome,
  token: string | undefined,
  { config: { formation, group }, journal, log }: HomeOptions,
): OpenHome {
  const client = createMonitorClient(parseMonitorUri(uri), { token });
  return {
    connect: (onRecord) =>
      openGroupLink({
        client,
        address: { formation, group },
        nowMs: monotonicNow,
        onRecord,
        journalled: () => journal.durable.record,
        onLine: (error) => {
          if (error === undefined) log.info('the monitor is heard again');
          else log.warn({ detail: error.detail, hint: error.hint }, error.message);
        },
      }),
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

async function storeHome(
  { uri }: NodeHome,
  token: string | undefined,
  { config, files, env, journal, log }: HomeOptions,
): Promise<OpenHome> {
  const { formation, group, nodeId, postgres, ssl } = config;
  if (token === undefined || nodeId === null) {
    throw new BatonError(
      'BATON_CONFIG_INVALID',
      'the configuration has no "store.token_file" or no "node_id"',
      {
        hint: 'Run "pgbaton create postgres" again.',
      },
    );
  }
  // Loaded here only: with a monitor the keeper needs no server, and each megabyte of it stays resident.
  const { openStore } = await import('./open-store.ts');
  const { useToken } = await import('../deciding/derived-secrets.ts');
  const { openGroupMember } = await import('./group-member.ts');
  const store = openStore(uri, env);
  const { listenAddresses } = postgres;
  const passwords = await passwordsOf(files);
  const member = await openGroupMember({
    store,
    address: { formation, group },
    node: nodeId,
    token: useToken(token),
    ...(passwords === undefined ? {} : { secrets: fixedSecrets(passwords) }),
    listen: {
      port: keeperPortOf(config),
      // PostgreSQL takes a list; where it has one, the keeper listens everywhere: who has no key is not answered.
      address: /^[\w.:-]+$/.test(listenAddresses) ? listenAddresses : undefined,
    },
    sslmode: ssl.mode === 'off' ? 'prefer' : 'require',
    journal,
    log,
    nowMs: monotonicNow,
  });
  return {
    connect: (onRecord) => member.connect(onRecord),
    async close() {
      await member.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Those that the servers know already, whoever made them. */
function fixedSecrets(passwords: GroupSecretsBody): GroupSecrets {
  return {
    of: () => Promise.resolve(passwords),
    keep: () => Promise.resolve(),
    forget: () => Promise.resolve(),
  };
}
