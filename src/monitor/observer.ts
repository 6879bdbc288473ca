import type { MonitorClient } from '../api/client.ts';
import type { MonitorService, NodeAddress } from '../api/monitor-service.ts';
import type { FormationToken } from '../deciding/derived-secrets.ts';
import { readEvents } from '../deciding/group-events.ts';
import { formationKey } from '../deciding/record-key.ts';
import { createStoreClient, type StoreClient } from '../deciding/store-client.ts';
import { BatonError } from '../lib/baton-error.ts';
import { VERSION } from '../lib/version.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createGroupFollowers } from './group-followers.ts';

/** A monitor that decides nothing: it answers for the groups of a store whose keepers decide for them. */
export interface Observer {
  readonly service: MonitorService;
  /** Ends what it follows; the store stays open. */
  close(): void;
}

export interface ObserverDeps {
  readonly store: Store;
  /** Of the store, for people. */
  readonly uri: string;
  readonly token: FormationToken;
  readonly log: Logger;
  /** Monotonic, ms. */
  readonly now: () => number;
}

const HEALTH = { timeoutMs: 2_000 };
/** For so long the same keepers are asked: later others may know more, and there may be other groups. */
const TRUSTED_MS = 10_000;

/**
 * Asks the keepers and the store as a command does, with the token of the
 * formations. It has no part in what they decide, so that it can be started
 * and killed at any time; and it can't become what a node depends on.
 */
export function createObserver({ store, uri, token, log, now }: ObserverDeps): Observer {
  const open = (): Promise<StoreClient> => createStoreClient(lend(store), token);
  let known: { readonly client: StoreClient; readonly sinceMs: number } | undefined;
  let renewing: Promise<StoreClient> | undefined;
  const followers = createGroupFollowers({ client: current, store, log });

  async function renew(): Promise<StoreClient> {
    const before = known?.client;
    try {
      const client = await open();
      // What it has been asked goes on.
      before?.close();
      known = { client, sinceMs: now() };
      return client;
    } catch (error) {
      // Without the store the keepers that were known may still answer.
      if (before === undefined) throw error;
      known = { client: before, sinceMs: now() };
      return before;
    } finally {
      renewing = undefined;
    }
  }

  async function current(): Promise<StoreClient> {
    if (known !== undefined && now() - known.sinceMs < TRUSTED_MS) return known.client;
    renewing ??= renew();
    return renewing;
  }

  const ask = async <T>(question: (client: MonitorClient) => Promise<T>): Promise<T> =>
    question(await current());
  /** For what stands in the store alone. */
  async function askAnew<T>(question: (client: MonitorClient) => Promise<T>): Promise<T> {
    const client = await open();
    try {
      return await question(client);
    } finally {
      client.close();
    }
  }

  const decidesNothing = `this monitor only observes the groups in ${uri}: nothing is decided here`;
  const refuse = (hint: string) => (): Promise<never> =>
    Promise.reject(new BatonError('BATON_REFUSED', decidesNothing, { hint }));

  return {
    service: {
      async health() {
        const ok = await store.get(formationKey('default'), HEALTH).then(
          () => true,
          () => false,
        );
        return { ok, version: VERSION, incarnation: store.incarnation };
      },
      ...formationCalls(askAnew),
      ...groupCalls(ask),
      listEvents: (query) => readEvents(store, query),
      registerNode: refuse(
        `Name the store itself: "pgbaton create postgres --store ${uri}", with --token-file.`,
      ),
      // A keeper takes that for a store that is silent, and says it.
      takeReport: () =>
        Promise.resolve({
          record_version: 0,
          refused: `${decidesNothing}. A node names the store itself, as "store.uri" of its configuration`,
        }),
      recoverGroup: refuse(`Run the command with --store ${uri}, or on a node with --pgdata.`),
      moveGroup: refuse(`Run the command with --store ${uri}, or on a node with --pgdata.`),
      arriveGroup: refuse('A group moves into a monitor that decides, or into a store itself.'),
      watchGroup: (address, listener) => followers.follow(address, listener),
    },
    close() {
      followers.close();
      known?.client.close();
    },
  };
}

type Ask = <T>(question: (client: MonitorClient) => Promise<T>) => Promise<T>;

function formationCalls(ask: Ask) {
  return {
    listFormations: () => ask((client) => client.listFormations()),
    getFormation: (formation) => ask((client) => client.getFormation(formation)),
    createFormation: (body) => ask((client) => client.createFormation(body)),
    dropFormation: (formation) => ask((client) => client.dropFormation(formation)),
  } satisfies Partial<MonitorService>;
}

function groupCalls(ask: Ask) {
  return {
    getSettings: (formation) => ask((client) => client.getSettings(formation)),
    updateSettings: (formation, patch) => ask((client) => client.updateSettings(formation, patch)),
    getUri: (formation) => ask((client) => client.getUri(formation)),
    updateNode: ({ formation, name }: NodeAddress, body) =>
      ask((client) => client.updateNode(formation, name, body)),
    dropNode: ({ formation, name }: NodeAddress, options) =>
      ask((client) => client.dropNode(formation, name, options)),
    enableMaintenance: ({ formation, name }: NodeAddress, options) =>
      ask((client) => client.enableMaintenance(formation, name, options)),
    disableMaintenance: ({ formation, name }: NodeAddress) =>
      ask((client) => client.disableMaintenance(formation, name)),
    getGroup: (address) => ask((client) => client.getGroup(address)),
    getEvidence: (address) => ask((client) => client.getEvidence(address)),
    switchover: (address, body) => ask((client) => client.switchover(address, body)),
    failover: (address, body) => ask((client) => client.failover(address, body)),
  } satisfies Partial<MonitorService>;
}

/** Whoever closes a client closes its store, and this one is needed by the next. */
function lend(store: Store): Store {
  return {
    get incarnation() {
      return store.incarnation;
    },
    get: (key, call) => store.get(key, call),
    list: (prefix, call) => store.list(prefix, call),
    swap: (swap, call) => store.swap(swap, call),
    lease: (ttlMs, call) => store.lease(ttlMs, call),
    watch: (prefix, from, signal) => store.watch(prefix, from, signal),
    readNotes: (query, call) => store.readNotes(query, call),
    trimNotes: (limits, call) => store.trimNotes(limits, call),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
