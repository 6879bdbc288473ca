import { setTimeout as sleep } from 'node:timers/promises';
import { createMonitorClient, type GroupAddress, type MonitorClient } from '../api/client.ts';
import type { WatchEvent } from '../api/group-watch.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import type { FormationToken } from './derived-secrets.ts';
import { openFormations } from './formations.ts';
import { createHistoryReader } from './history-reader.ts';
import { createMonitor, type Monitor } from './monitor.ts';
import type { StoredRecord } from './record-cell.ts';
import { serviceClient } from './service-client.ts';
import { NEVER } from './turn.ts';
import { withHistory } from './with-history.ts';

/** A keeper, or the store itself. */
type Near = Omit<MonitorClient, 'close'>;

/** What is known of groups that their keepers decide for. */
export interface StoreClient extends MonitorClient {
  /** As `watchGroup`, with those events only that the keeper which is listened to has written itself. */
  watchKeeper: MonitorClient['watchGroup'];
}

/** How long the keepers are given to say that they are there. */
const PROBE = { timeoutMs: 3_000 };
const RETRY_MS = 500;

/**
 * Talks to the groups of a store that their keepers decide for. What only the
 * keepers know (who was heard of when) is asked of one of them; what stands in
 * the store is read and swapped there, and so is everything when no keeper answers.
 */
export async function createStoreClient(
  store: Store,
  token: FormationToken,
  /** What a node has on disk: it tells where the keepers are when the store has lost that. */
  journalled: () => Promise<GroupRecord | null> = () => Promise.resolve(null),
): Promise<StoreClient> {
  let monitor = await openService(store, token);
  const connected = new Map<string, MonitorClient>();

  async function near(address: GroupAddress): Promise<Near> {
    const key = keyOf(address);
    const known = connected.get(key);
    if (known !== undefined) return known;
    const search = { address, key: token.keeperKey(address.formation) };
    const found =
      (await findKeeper(storedGroup(address), search)) ?? (await findKeeper(await ownGroup(address), search));
    // What was read before has got old, and there may be other nodes now.
    if (found === undefined) return serviceClient((monitor = await openService(store, token)));
    connected.set(key, found);
    return found;
  }

  function storedGroup(address: GroupAddress): StoredRecord | undefined {
    try {
      const { record, record_version: version } = monitor.getGroup(address);
      return { record, version };
    } catch (error) {
      if (toBatonError(error).code === 'BATON_FORMATION_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async function ownGroup({ formation, group }: GroupAddress): Promise<StoredRecord | undefined> {
    const record = await journalled();
    const isOwn = record?.formation === formation && record.group === group;
    return isOwn ? { record, version: 0 } : undefined;
  }

  /** The next call looks for a keeper anew. */
  function forget(address: GroupAddress): void {
    connected.get(keyOf(address))?.close();
    connected.delete(keyOf(address));
  }

  async function ask<T>(address: GroupAddress, question: (client: Near) => Promise<T>): Promise<T> {
    const client = await near(address);
    try {
      return await question(client);
    } catch (error) {
      const { code } = toBatonError(error);
      if (code === 'BATON_UNREACHABLE' || code === 'BATON_TIMEOUT') forget(address);
      throw error;
    }
  }
  /** What changes nothing is asked of another keeper when the first one is gone. */
  async function read<T>(address: GroupAddress, question: (client: Near) => Promise<T>): Promise<T> {
    try {
      return await ask(address, question);
    } catch (error) {
      if (connected.has(keyOf(address))) throw error;
      return await ask(address, question);
    }
  }
  async function* watchKeeper(address: GroupAddress, signal: AbortSignal): ReturnType<Near['watchGroup']> {
    while (!signal.aborted) {
      yield* watchOne(await near(address), address, signal);
      forget(address);
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  const askFormation = <T>(formation: string, question: (client: Near) => Promise<T>): Promise<T> =>
    ask({ formation, group: 0 }, question);

  return {
    ...serviceClient(monitor),
    async registerNode(formation, body) {
      const address = { formation, group: body.group ?? 0 };
      const { record, record_version: version } = monitor.getGroup(address);
      if (body.auth === 'trust' || record.home.incarnations.length < 2)
        return serviceClient(monitor).registerNode(formation, body);
      // A group that was made elsewhere brought its passwords along, and only its nodes have them.
      const keeper = await findKeeper({ record, version }, { address, key: token.keeperKey(formation) });
      if (keeper === undefined) throw NO_KEEPER;
      try {
        // Here first: a keeper does not see whether the server is a node of another formation.
        await serviceClient(monitor).registerNode(formation, body);
        return await keeper.registerNode(formation, body);
      } finally {
        keeper.close();
      }
    },
    getSettings: (formation, call) => askFormation(formation, (near) => near.getSettings(formation, call)),
    updateSettings: (formation, patch, call) =>
      askFormation(formation, (near) => near.updateSettings(formation, patch, call)),
    getUri: (formation, call) => askFormation(formation, (near) => near.getUri(formation, call)),
    updateNode: (formation, ...rest) =>
      askFormation(formation, (near) => near.updateNode(formation, ...rest)),
    dropNode: (formation, ...rest) => askFormation(formation, (near) => near.dropNode(formation, ...rest)),
    enableMaintenance: (formation, ...rest) =>
      askFormation(formation, (near) => near.enableMaintenance(formation, ...rest)),
    disableMaintenance: (formation, ...rest) =>
      askFormation(formation, (near) => near.disableMaintenance(formation, ...rest)),
    getGroup: (address, call) => read(address, (near) => near.getGroup(address, call)),
    getEvidence: (address, call) => read(address, (near) => near.getEvidence(address, call)),
    switchover: (address, ...rest) => ask(address, (near) => near.switchover(address, ...rest)),
    failover: (address, ...rest) => ask(address, (near) => near.failover(address, ...rest)),
    recoverGroup: (address, ...rest) => ask(address, (near) => near.recoverGroup(address, ...rest)),
    moveGroup: (address, ...rest) => ask(address, (near) => near.moveGroup(address, ...rest)),
    sendReport: (address, ...rest) => ask(address, (near) => near.sendReport(address, ...rest)),
    watchKeeper,
    watchGroup: (address, signal) =>
      withHistory((until) => watchKeeper(address, until), createHistoryReader(store, address), signal),
    close() {
      for (const client of connected.values()) client.close();
      void monitor.stop().then(() => store[Symbol.asyncDispose]());
    },
  };
}

const NO_KEEPER = new BatonError('BATON_UNREACHABLE', 'no keeper of the group answers', {
  hint: 'A node that joins needs the passwords of the group, which only its nodes have. Start the keeper of one.',
});

function keyOf({ formation, group }: GroupAddress): string {
  return `${formation}/${group}`;
}

/** Until the keeper that is watched is lost: another one may be there. */
async function* watchOne(
  client: Pick<MonitorClient, 'watchGroup'>,
  address: GroupAddress,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, void> {
  for await (const event of client.watchGroup(address, signal)) {
    yield event;
    if (event.kind === 'disconnected') return;
  }
}

function openService(store: Store, token: FormationToken): Promise<Monitor> {
  return createMonitor({
    store,
    secrets: token.secrets,
    proofOfMove: token.proofOfMove,
    log: SILENT_LOGGER,
    now: () => performance.now(),
    wallClock: Date.now,
    sslmode: 'require',
    retention: { days: Infinity, rows: Infinity },
    open: (deps) => openFormations({ ...deps, turn: NEVER }, (formation) => token.check(formation)),
  });
}

/**
 * The first that answers, for some may be gone, and knows what the store has:
 * one that is cut off from it may still be reached from here. Where all are
 * behind, the first that answers.
 */
async function findKeeper(
  group: StoredRecord | undefined,
  { address, key }: { readonly address: GroupAddress; readonly key: Buffer },
): Promise<MonitorClient | undefined> {
  if (group === undefined) return undefined;
  const clients = group.record.nodes.flatMap(({ host, keeperPort }) =>
    keeperPort === undefined ? [] : [createMonitorClient({ host, port: keeperPort, sslmode: 'key', key })],
  );
  const behind: MonitorClient[] = [];
  let found: MonitorClient | undefined;
  try {
    found = await Promise.any(
      clients.map(async (client) => {
        const { record_version: version } = await client.getGroup(address, PROBE);
        if (version >= group.version) return client;
        behind.push(client);
        throw new BatonError('BATON_STORE_OUTDATED', 'the keeper does not know the newest record');
      }),
    );
    return found;
  } catch (error) {
    const reasons: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    // It is said rather than taken for keepers that are gone.
    const refused = reasons.find((reason) => toBatonError(reason).code === 'BATON_UNAUTHORIZED');
    if (refused !== undefined) throw toBatonError(refused);
    [found] = behind;
    return found;
  } finally {
    for (const client of clients) if (client !== found) client.close();
  }
}
