import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createMonitorClient, type MonitorClient } from '../api/client.ts';
import { readTokenFile } from '../config/environment.ts';
import { parseMonitorUri } from '../config/monitor-uri.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { homeOf, type NodeHome } from '../config/node-home.ts';
import type { NodeFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';

/** Those who register a node, and what opens them. */
export interface ConnectedHome {
  readonly client: MonitorClient;
  readonly token: string | undefined;
  /** It was made here, for a formation that nobody has joined yet. */
  readonly isNewToken: boolean;
}

/** Throws BATON_UNAUTHORIZED where a formation of a store needs its token, and has one. */
export async function connectHome(
  config: NodeConfig,
  files: NodeFiles,
  given: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<ConnectedHome> {
  const home = homeOf(config);
  if (home.kind === 'monitor') {
    return { client: await connectTo(home, given, env), token: given, isNewToken: false };
  }
  const known = given ?? (existsSync(files.tokenFile) ? readTokenFile(files.tokenFile) : undefined);
  const token = known ?? randomBytes(32).toString('base64url');
  const client = await connectTo(home, token, env);
  try {
    const formations = await client.listFormations();
    if (formations.some(({ name }) => name === config.formation)) {
      if (known === undefined) throw tokenNeeded(config.formation);
    } else {
      await client.createFormation({ name: config.formation, dbname: config.postgres.dbname });
    }
    return { client, token, isNewToken: known === undefined };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Those who decide at a home, or the store itself. Throws BATON_UNAUTHORIZED for a store without a token. */
export async function connectTo(
  { kind, uri }: Pick<NodeHome, 'kind' | 'uri'>,
  token: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<MonitorClient> {
  if (kind === 'monitor') return createMonitorClient(parseMonitorUri(uri), { token });
  if (token === undefined) throw new BatonError('BATON_UNAUTHORIZED', 'the formation has no token here');
  const { openStore } = await import('./open-store.ts');
  const { createStoreClient } = await import('../deciding/store-client.ts');
  const { useToken } = await import('../deciding/derived-secrets.ts');
  return createStoreClient(openStore(uri, env), useToken(token));
}

function tokenNeeded(formation: string): BatonError {
  return new BatonError('BATON_UNAUTHORIZED', `formation "${formation}" exists, and its token is needed`, {
    hint: 'Copy the file "token" from the state directory of one of its nodes (<PGDATA>.pgbaton), with mode 0600, and name it with --token-file.',
  });
}
