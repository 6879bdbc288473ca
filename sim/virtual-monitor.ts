import type { Report } from '../src/core/evidence.ts';
import { emptyRecord, type GroupRecord, type GroupSettings } from '../src/core/group-record.ts';
import { mayHoldLease } from '../src/core/lease.ts';
import type { Home } from './home.ts';
import { openMonitorLink } from './monitor-link.ts';
import type { Mutable } from './mutable.ts';
import { createProcess } from './process.ts';
import type { TakenReport } from './report-line.ts';
import type { StorePort } from './store-port.ts';
import { createVirtualDecider, isRecovery, NO_ANSWER, type Then } from './virtual-decider.ts';
import { MONITOR } from './virtual-network.ts';
import { createVirtualStore } from './virtual-store.ts';
import { createWatchers } from './watchers.ts';
import type { World } from './world.ts';

/** For how long clients look closely after each decision, ms. */
const UNREST_MS = 2_000;

/** The monitor: a store, and one decider in the same process. */
export function createVirtualMonitor(world: World, settings: GroupSettings): Home {
  const process = createProcess(world.clock, world.clockOf(MONITOR));
  const now = (): number => process.timeMs();
  let incarnation = 0;
  const newRecord = (): GroupRecord => emptyRecord('default', 0, settings, `store ${(incarnation += 1)}`);
  const store = createVirtualStore(world.randomOf('store'), newRecord());
  const watchers = createWatchers(world, process);
  /** Why the swap under way is made, for the story. */
  let reason = '';

  function dies(): boolean {
    if (self.diesHere?.() !== true) return false;
    world.trace('monitor', () => 'dies at a swap');
    self.kill();
    return true;
  }

  const port: StorePort = {
    read: (then) => then(store.read()),
    swap({ expected, next, why }, then) {
      if (dies()) return;
      reason = why;
      const outcome = store.swap(expected, next);
      if (!dies()) then(outcome);
    },
    leaseTerm: (then) => then({ term: store.leaseTerm(now()) }),
  };
  const decider = createVirtualDecider({
    world,
    process,
    store,
    port,
    name: 'monitor',
    onOpen: () => watchers.begin(),
    onLearn: (stored) => watchers.push(stored),
  });

  /** src/deciding/baton-lease.ts: how long the lease lasts that a report asks for. */
  function keepLease(report: Report): number | undefined {
    const { record, version } = decider.known();
    const { leaseFor: term } = report;
    if (term === undefined || decider.isUncertain() || !mayHoldLease(record, report, term)) return undefined;
    const { leaseMs } = record.settings;
    return store.keepLease({ term, untilMs: now() + leaseMs }, version, now()) ? leaseMs : undefined;
  }

  function takeReport(report: Report, journalled: GroupRecord | null): TakenReport {
    const leaseMs = keepLease(report);
    decider.takeReport(report, journalled);
    return { ...decider.known(), isRefused: decider.contradiction() !== undefined, leaseMs };
  }

  /** Whoever asked hears at once when the monitor dies on it. */
  function heard(ask: (then: Then) => void, then: Then): void {
    let isAnswered = false;
    ask((answer) => {
      isAnswered = true;
      then(answer);
    });
    if (!isAnswered) then(NO_ANSWER);
  }

  const self: Mutable<Home> = {
    process,
    store,
    onSwap: () => undefined,
    diesHere: null,
    isRestored: false,
    evidence: () => decider.evidence(),
    views: () => [decider.evidence()],
    dropWatches: () => watchers.drop(),
    isListening: () => process.isAlive && !decider.isBusy && process.pausedUntilMs <= world.clock.nowMs,
    connect: (keeper) =>
      openMonitorLink(world, keeper, {
        deliver(report, answer, { journalled }) {
          process.now(() => decider.whenFree(() => answer(takeReport(report, journalled()?.record ?? null))));
        },
        subscribe({ node }, deliver) {
          if (!process.isAlive || decider.isBusy || !world.network.canTalk(node, MONITOR)) return undefined;
          return watchers.subscribe(node, decider.known(), deliver);
        },
      }),
    restore(copy) {
      self.kill();
      store.replace(copy ?? { version: 0, record: newRecord() });
      self.isRestored = true;
      self.begin();
    },
    callers: () => decider.callers(),
    recover: (request, then) =>
      heard(
        (answer) => decider.recover(request, answer),
        (answer) => {
          if (answer.kind === 'accepted') self.isRestored = false;
          then(answer);
        },
      ),
    trust() {
      self.isRestored = false;
    },
    isAsked: () => false,
    register: (ask) => decider.request(ask, () => undefined),
    request: (ask, then) => heard((answer) => decider.request(ask, answer), then),
    begin() {
      process.begin();
      decider.begin();
    },
    kill() {
      process.kill();
      watchers.drop();
    },
  };
  store.onSwap = (before, { version, record }) => {
    world.trace('monitor', () => `v${version} ${reason}`);
    world.stir(UNREST_MS);
    // What a recovered record has to be is not told by the one of a store that was lost.
    self.onSwap(isRecovery(before, record) ? record : before, record);
  };
  return self;
}
