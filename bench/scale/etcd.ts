/**
 * What many groups ask of one etcd, as far as the store alone shows it: their
 * leases renewed while nothing happens, and a third of their records swapped at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createEtcdStore } from '../../src/store/etcd/etcd-store.ts';
import type { Lease, Store } from '../../src/store/store.ts';
import { startEtcdCluster, type EtcdCluster } from '../../test/support/etcd-cluster.ts';
import { newCommand, wholeNumber } from '../../scripts/command-line.ts';
import { summarise } from '../statistics.ts';

const { groups, seconds } = newCommand(
  'bench:scale:etcd',
  'Measures what many groups ask of one etcd of three members, with nothing but its leases and records.',
)
  .option('--groups <count>', 'how many groups', wholeNumber(1), 1_000)
  .option('--seconds <count>', 'how long nothing happens', wholeNumber(1), 20)
  .parse()
  .opts<{ readonly groups: number; readonly seconds: number }>();
const idleMs = seconds * 1_000;
/** Each with a connection of its own, as so many keepers would have. */
const CONNECTIONS = 20;
const LEASE_MS = 5_000;
const RENEW_EVERY_MS = LEASE_MS / 3;
const CALL = { timeoutMs: 10_000 };
/** About the size of the record of a group of three. */
const RECORD = 'x'.repeat(2_000);

interface Group {
  readonly store: Store;
  readonly key: string;
  readonly lease: Lease;
  version: number;
}

async function makeGroup(store: Store, index: number): Promise<Group> {
  const lease = await store.lease(LEASE_MS, CALL);
  const key = `groups/${index}`;
  const result = await store.swap({ changes: [{ key, expected: null, value: RECORD }] }, CALL);
  if (result.kind !== 'written') throw new Error(`group ${index} could not be made: ${result.kind}`);
  return { store, key, lease, version: result.version };
}

/** Renews until the signal aborts or the lease is lost; returns how long each renewal took. */
async function renewForEver(group: Group, index: number, signal: AbortSignal): Promise<number[]> {
  const took: number[] = [];
  await sleep((RENEW_EVERY_MS * index) / groups);
  let lost = false;
  group.lease.onLost(() => (lost = true));
  while (!signal.aborted && !lost) {
    const begin = performance.now();
    // A machine that is too busy renews too late: that is a result, told as a number of leases lost.
    await group.lease.renew(CALL).catch(() => undefined);
    const ms = performance.now() - begin;
    took.push(ms);
    await sleep(Math.max(0, RENEW_EVERY_MS - ms));
  }
  return took;
}

async function swapRecord(group: Group): Promise<number> {
  const begin = performance.now();
  const changes = [{ key: group.key, expected: group.version, value: `${RECORD}.` }];
  const notes = [{ topic: group.key, atMs: 0, text: 'a new term' }];
  const result = await group.store.swap({ changes, notes }, CALL);
  if (result.kind !== 'written') throw new Error(`${group.key}: ${result.kind}`);
  return performance.now() - begin;
}

/** What the cluster has done since: revisions of the store, entries of Raft's log. */
async function counters(etcd: EtcdCluster): Promise<{ revision: number; raftIndex: number }> {
  const [first] = JSON.parse(await etcd.ctl('endpoint', 'status', '-w', 'json')) as {
    Status: { header: { revision: number }; raftIndex: number };
  }[];
  return { revision: first?.Status.header.revision ?? 0, raftIndex: first?.Status.raftIndex ?? 0 };
}

const etcd = await startEtcdCluster();
const stores: Store[] = [];
try {
  for (let index = 0; index < CONNECTIONS; index++) {
    stores.push(await createEtcdStore({ endpoints: etcd.members, prefix: 'bench' }, CALL));
  }
  const renewing = new AbortController();
  const all: Group[] = [];
  const renewals: Promise<number[]>[] = [];
  await Promise.all(
    stores.map(async (store, first) => {
      for (let index = first; index < groups; index += CONNECTIONS) {
        const group = await makeGroup(store, index);
        all.push(group);
        renewals.push(renewForEver(group, index, renewing.signal));
      }
    }),
  );
  const before = await counters(etcd);
  await sleep(idleMs);
  const after = await counters(etcd);
  const begin = performance.now();
  const swaps = await Promise.all(all.filter((_, index) => index % 3 === 0).map(swapRecord));
  const swappedMs = performance.now() - begin;
  const lost = all.filter(({ lease }) => lease.heldUntilMs() < performance.now()).length;
  renewing.abort();
  const renewed = (await Promise.all(renewals)).flat();
  console.log(
    JSON.stringify(
      {
        groups,
        idle: {
          renewalsASecond: Math.round((groups * 1_000) / RENEW_EVERY_MS),
          renewalMs: summarise(renewed),
          revisionsASecond: (after.revision - before.revision) / (idleMs / 1_000),
          raftEntriesASecond: (after.raftIndex - before.raftIndex) / (idleMs / 1_000),
          leasesLost: lost,
        },
        aThirdAtOnce: {
          swaps: swaps.length,
          allWrittenMs: Math.round(swappedMs),
          swapsASecond: Math.round(swaps.length / (swappedMs / 1_000)),
          swapMs: summarise(swaps),
        },
      },
      null,
      2,
    ),
  );
} finally {
  for (const store of stores) await store[Symbol.asyncDispose]();
  await etcd.remove();
}
