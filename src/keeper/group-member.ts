import { createApi } from '../api/app.ts';
import { startHttpServer } from '../api/http-server.ts';
import type { GroupAddress } from '../api/client.ts';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord, NodeId } from '../core/group-record.ts';
import type { FormationToken } from '../deciding/derived-secrets.ts';
import { createGroupDecider, type GroupDecider } from '../deciding/group-decider.ts';
import { createMonitor, type Monitor } from '../deciding/monitor.ts';
import { parseRecord, type StoredRecord } from '../deciding/record-cell.ts';
import { followRecord } from '../deciding/record-follower.ts';
import { recordKey } from '../deciding/record-key.ts';
import { toReportAnswer } from '../deciding/recovery-calls.ts';
import { singleGroup } from '../deciding/single-group.ts';
import { turnOf } from '../deciding/turn.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { GroupLink, GroupLinkOptions } from './group-link.ts';
import type { Journal } from './journal.ts';
import { openPeerLines, type PeerLines } from './peer-lines.ts';

/** A keeper that decides for its group together with the others: it needs a store and no monitor. */
export interface GroupMember {
  /** As the line of a keeper to its monitor; to be opened once. */
  connect(onRecord: GroupLinkOptions['onRecord']): GroupLink;
  close(): Promise<void>;
}

export interface GroupMemberOptions {
  readonly store: Store;
  readonly address: GroupAddress;
  readonly node: NodeId;
  readonly token: FormationToken;
  /** Where this keeper listens for the others and for commands. */
  readonly listen: { readonly port: number; readonly address: string | undefined };
  readonly sslmode: 'require' | 'prefer';
  readonly journal: Pick<Journal, 'entry' | 'durable'>;
  readonly log: Logger;
  readonly nowMs: () => number;
}

const FIRST_READ = { timeoutMs: 5_000 };

/** The same as that of a monitor, which people can set; here nobody's configuration speaks for all groups of a store. */
const RETENTION = { days: 30, rows: 100_000 };

/** Listens, and begins to decide with what comes in. Throws BATON_PORT_IN_USE, and BATON_STORE_UNAVAILABLE where not even the journal has a record. */
export async function openGroupMember(options: GroupMemberOptions): Promise<GroupMember> {
  const { store, address, node, log, nowMs } = options;
  const start = await firstRecord(options);
  let decider: GroupDecider | undefined;
  const service = await createMonitor({
    store,
    secrets: options.token.secrets,
    log,
    now: nowMs,
    wallClock: Date.now,
    sslmode: options.sslmode,
    retention: RETENTION,
    open: (deps) => {
      decider = createGroupDecider(start, { ...deps, turn: turnOf(node) });
      return Promise.resolve(
        singleGroup(decider, { store, tokenCheck: (formation) => options.token.check(formation) }),
      );
    },
  });
  if (decider === undefined) throw new BatonError('BATON_INTERNAL', 'the group was not opened');
  const own: GroupDecider = decider;
  const key = options.token.keeperKey(address.formation);
  const closing = new AbortController();
  const server = await startHttpServer({
    app: createApi({ monitor: promptly(service, own), token: null, log, closing: closing.signal }),
    ...options.listen,
    tls: { key },
  });
  const journalled = (): GroupRecord | null => options.journal.durable.record;
  const peers = openPeerLines({
    node,
    key,
    nowMs,
    journalled,
    onRecord: (stored) => own.learn(stored),
    onLine(peer, error) {
      if (error === undefined) log.info(`the keeper of "${peer}" is heard again`);
      else log.warn({ detail: error.detail, hint: error.hint }, `the keeper of "${peer}": ${error.message}`);
    },
  });
  return {
    connect: (onRecord) => connect({ options, service, decider: own, peers, onRecord }),
    async close() {
      closing.abort();
      await server.close();
    },
  };
}

function connect({
  options,
  service,
  decider,
  peers,
  onRecord,
}: {
  readonly options: GroupMemberOptions;
  readonly service: Monitor;
  readonly decider: GroupDecider;
  readonly peers: PeerLines;
  readonly onRecord: GroupLinkOptions['onRecord'];
}): GroupLink {
  const { store, address, journal, log, nowMs } = options;
  const stopWatching = decider.watch((message) => {
    if (message.kind !== 'record') return;
    // Who the peers are is not for a store to say that has lost them, or an old copy.
    if (decider.refused() === undefined) peers.follow(message.record);
    onRecord(message.version, message.record);
  });
  const follower = followRecord({
    store,
    ...address,
    nowMs,
    onRecord: (stored) => decider.observe(stored),
    refused: () => decider.refused(),
    onLine(error) {
      if (error === undefined) log.info('the store is heard again');
      else log.warn({ detail: error.detail, hint: error.hint }, `the store is lost: ${error.message}`);
    },
  });
  const { record, version } = decider.current();
  peers.follow(record);
  // What is not news to the decider is news to the keeper when it starts for the first time.
  onRecord(version, record);
  service.start();
  let lease = { term: 0, untilMs: -Infinity };

  /** The store fails where it is away, which has been said: the keeper counts how long that may last. */
  function keepLease(report: Report): void {
    const { leaseFor: term } = report;
    if (term === undefined) return;
    void decider.keepLease(report).then(
      (untilMs) => {
        if (untilMs !== undefined) lease = { term, untilMs };
      },
      () => undefined,
    );
  }

  return {
    send(report) {
      keepLease(report);
      // What it leads to comes in as a record; a store that fails has been logged.
      void decider.takeReport(report, journal.durable.record ?? undefined).catch(() => undefined);
      peers.send(report);
    },
    silentMs: () => follower.silentMs(),
    hasHeard: () => follower.hasHeard(),
    leasedUntilMs: (term) => (lease.term === term ? lease.untilMs : -Infinity),
    async close() {
      // What is on its way may be the news that this node shuts down.
      await peers.close();
      stopWatching();
      await follower.close();
      await service.stop();
    },
  };
}

/** A keeper that reports has nothing to wait for: what the report leads to comes to it from the store. */
function promptly(service: Monitor, decider: GroupDecider): Monitor {
  return {
    ...service,
    takeReport({ formation, group }, report, journalled) {
      const own = decider.current().record;
      if (own.formation !== formation || own.group !== group) {
        const message = `this keeper belongs to group ${own.group} of formation "${own.formation}"`;
        return Promise.reject(new BatonError('BATON_FORMATION_NOT_FOUND', message));
      }
      void decider.takeReport(report, journalled).catch(() => undefined);
      return Promise.resolve(toReportAnswer(report, decider.answerTo(report)));
    },
  };
}

/** The record of the journal: the store may be away. What is newer comes in soon. */
async function firstRecord({ journal, store, address }: GroupMemberOptions): Promise<StoredRecord> {
  const { record, recordVersion } = journal.entry;
  if (record !== null) return { record, version: recordVersion };
  const stored = await store.get(recordKey(address.formation, address.group), FIRST_READ);
  if (stored !== undefined) return { record: parseRecord(stored.value), version: stored.version };
  throw new BatonError(
    'BATON_FORMATION_NOT_FOUND',
    `the store has no group ${address.group} of formation "${address.formation}"`,
    {
      hint: 'Was the formation dropped, or is it another store? "pgbaton create postgres" registers the node again.',
    },
  );
}
