import { existsSync } from 'node:fs';
import type { MonitorClient } from '../api/client.ts';
import { readEnvironment, readTokenFile } from '../config/environment.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { homeOf, keeperPortOf, kindOfHome, type NodeHome } from '../config/node-home.ts';
import type { NodeFiles } from '../config/paths.ts';
import type { Readiness } from '../core/evidence.ts';
import type { GroupRecord, Move } from '../core/group-record.ts';
import { useToken } from '../deciding/derived-secrets.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import { assertPortFree } from '../system/port.ts';
import { connectTo } from './connect-home.ts';
import { passwordsOf } from './server-options.ts';

/** What a node needs to know of itself in a home that its group moves to. */
export interface OwnFiles {
  readonly files: NodeFiles;
  readonly env: NodeJS.ProcessEnv;
}

const CALL = { timeoutMs: 5_000 };

/** Tries whether this node can read and write in the home that is announced. Never throws: what it finds is the answer. */
export async function tryHome(
  own: OwnFiles,
  config: NodeConfig,
  record: GroupRecord,
  { to, incarnation }: Move,
): Promise<Readiness> {
  let keeperPort: number | null = null;
  try {
    const kind = kindOfHome(to);
    if (kind === 'store') keeperPort = keeperPortOf(config);
    // Where the keeper decides already, it is the one that listens.
    if (keeperPort !== null && homeOf(config).kind === 'monitor') await assertPortFree(keeperPort);
    await withHome(own, config, { kind, uri: to }, (client) =>
      client.arriveGroup(addressOf(record), { record }, CALL),
    );
    return { incarnation, keeperPort, problem: null };
  } catch (error) {
    const { message, detail, hint } = toBatonError(error);
    const problem = [message, detail, hint].filter((part) => part !== undefined).join('. ');
    return { incarnation, keeperPort, problem };
  }
}

/**
 * Whether somebody has asked for a move who has the token. A monitor lets
 * nobody else in; a store may be written by others.
 */
export function isProven(own: OwnFiles, config: NodeConfig, record: GroupRecord, move: Move): boolean {
  if (homeOf(config).kind === 'monitor') return true;
  const token = tokenOf(own.files, own.env, config, 'store');
  return token !== undefined && useToken(token).proofOfMove(record.formation, move) === move.proof;
}

/** Whether the group lives in the home that was announced: then it has left the old one. Throws when that can't be asked. */
export async function findGroup(
  own: OwnFiles,
  config: NodeConfig,
  record: GroupRecord,
  { to, incarnation }: Move,
): Promise<boolean> {
  const home = { kind: kindOfHome(to), uri: to };
  const found = await withHome(own, config, home, (client) => client.getGroup(addressOf(record), CALL));
  return found.record.home.incarnations.includes(incarnation);
}

/** Puts the record into the home that the configuration names, unless another node was faster. */
export async function putGroup(own: OwnFiles, config: NodeConfig, record: GroupRecord): Promise<void> {
  const secrets = await passwordsOf(own.files);
  // A monitor that has the token can ask for the passwords by it: they tell it nothing new.
  const body = { record, ...(secrets === undefined ? {} : { secrets }) };
  await withHome(own, config, homeOf(config), (client) => client.arriveGroup(addressOf(record), body, CALL));
}

async function withHome<T>(
  { files, env }: OwnFiles,
  config: NodeConfig,
  home: Pick<NodeHome, 'kind' | 'uri'>,
  work: (client: MonitorClient) => Promise<T>,
): Promise<T> {
  const client = await connectTo(home, tokenOf(files, env, config, home.kind), env);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** The token goes with the group: it is the same in every home. */
function tokenOf(
  files: NodeFiles,
  env: NodeJS.ProcessEnv,
  config: NodeConfig,
  kind: NodeHome['kind'],
): string | undefined {
  const { monitorToken } = readEnvironment(env);
  if (monitorToken !== undefined) return monitorToken;
  const file = homeOf(config).tokenFile ?? files.tokenFile;
  if (existsSync(file)) return readTokenFile(file);
  if (kind === 'monitor') return undefined;
  throw new BatonError('BATON_UNAUTHORIZED', `there is no token in "${file}"`, {
    hint: 'Put the same one there on every node, with mode 0600: "openssl rand -hex 32" makes one',
  });
}

function addressOf({ formation, group }: GroupRecord) {
  return { formation, group };
}
