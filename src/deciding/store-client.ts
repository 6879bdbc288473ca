import { setTimeout as sleep } from 'node:timers/promises';
import { createMonitorClient, type GroupAddress, type MonitorClient } from '../api/client.ts';
import type { WatchEvent } from '../api/group-watch.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { toBatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import { SILENT_LOGGER } from '../telemetry/logger.ts';
import type { FormationToken } from './derived-secrets.ts';
import { openFormations } from './formations.ts';
import { createMonitor, type Monitor } from './monitor-service.ts';
import { serviceClient } from './service-client.ts';
import { NEVER } from './turn.ts';

/** How long a keeper is given to say that it is there before the next one is asked, ms. */
const PROBE = { timeoutMs: 1_500 };
const RETRY_MS = 500;

/**
 * Talks to the groups of a store that their keepers decide for. What only the
 * keepers know (who was heard of when) is asked of one of them, the primary's
 * last; what stands in the store is read and swapped there, and so is
 * everything when no keeper answers.
 */
export async function createStoreClient(store: Store, token: FormationToken): Promise<MonitorClient> {
  const monitor = await openService(store, token);
  const local = serviceClient(monitor);
  const connected = new Map<string, MonitorClient>();

  async function near(address: GroupAddress): Promise<Omit<MonitorClient, 'close'>> {
    const key = `${address.formation}/${address.group}`;
    const known = connected.get(key);
    if (known !== undefined) return known;
    const found = await findKeeper(monitor.getGroup(address).record, token.keeperKey(address.formation));
    if (found === undefined) return local;
    connected.set(key, found);
    return found;
  }

  /** The next call looks for a keeper anew. */
  function forget({ formation, group }: GroupAddress): void {
    connected.get(`${formation}/${group}`)?.close();
    connected.delete(`${formation}/${group}`);
  }

  const ofFormation = (formation: string) => near({ formation, group: 0 });

  return {
    ...local,
    getSettings: async (formation, call) => (await ofFormation(formation)).getSettings(formation, call),
    updateSettings: async (formation, patch, call) =>
      (await ofFormation(formation)).updateSettings(formation, patch, call),
    getUri: async (formation, call) => (await ofFormation(formation)).getUri(formation, call),
    updateNode: async (formation, ...rest) => (await ofFormation(formation)).updateNode(formation, ...rest),
    dropNode: async (formation, ...rest) => (await ofFormation(formation)).dropNode(formation, ...rest),
    enableMaintenance: async (formation, ...rest) =>
      (await ofFormation(formation)).enableMaintenance(formation, ...rest),
    disableMaintenance: async (formation, ...rest) =>
      (await ofFormation(formation)).disableMaintenance(formation, ...rest),
    getGroup: async (address, call) => (await near(address)).getGroup(address, call),
    getEvidence: async (address, call) => (await near(address)).getEvidence(address, call),
    switchover: async (address, ...rest) => (await near(address)).switchover(address, ...rest),
    failover: async (address, ...rest) => (await near(address)).failover(address, ...rest),
    sendReport: async (address, ...rest) => (await near(address)).sendReport(address, ...rest),
    async *watchGroup(address, signal) {
      while (!signal.aborted) {
        yield* watchOne(await near(address), address, signal);
        forget(address);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    },
    close() {
      for (const client of connected.values()) client.close();
      void monitor.stop().finally(() => store[Symbol.asyncDispose]());
    },
  };
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
    log: SILENT_LOGGER,
    now: () => performance.now(),
    wallClock: Date.now,
    sslmode: 'require',
    retention: { days: Infinity, rows: Infinity },
    open: (deps) => openFormations({ ...deps, turn: NEVER }, token.check),
  });
}

async function findKeeper(record: GroupRecord, key: Buffer): Promise<MonitorClient | undefined> {
  const holder = record.reign?.holder;
  const nodes = [...record.nodes].sort((a, b) => Number(a.id === holder) - Number(b.id === holder));
  for (const { host, keeperPort } of nodes) {
    if (keeperPort === undefined) continue;
    const client = createMonitorClient({ host, port: keeperPort, sslmode: 'key', key });
    try {
      await client.health(PROBE);
      return client;
    } catch (error) {
      client.close();
      // The same at each of them: it is said rather than taken for a keeper that is gone.
      if (toBatonError(error).code === 'BATON_UNAUTHORIZED') throw error;
    }
  }
  return undefined;
}
