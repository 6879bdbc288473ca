import type { Evidence } from '../src/core/evidence.ts';
import { emptyRecord, type GroupSettings, type NodeId } from '../src/core/group-record.ts';
import { writtenBy } from '../src/core/record-home.ts';
import type { Home } from './home.ts';
import { openMemberLink, type Member, type MemberHome } from './member-link.ts';
import type { Mutable } from './mutable.ts';
import { createProcess, type VirtualProcess } from './process.ts';
import type { StoreEnd } from './remote-store.ts';
import { isRecovery, NO_ANSWER, type Ask, type Then } from './virtual-decider.ts';
import { CLIENTS, MONITOR } from './virtual-network.ts';
import { createVirtualStore } from './virtual-store.ts';
import { createWatchers } from './watchers.ts';
import type { World } from './world.ts';

/** For how long clients look closely after each decision, ms. */
const UNREST_MS = 2_000;
/** How often a node that joins is registered anew when somebody else has changed the record. */
const ATTEMPTS = 5;

const NOTHING_KNOWN: Evidence = {
  reports: [],
  deciderLagMs: 0,
  intentAgeMs: 0,
  deciderAgeMs: 0,
  recentCrashFailovers: 0,
  notStreaming: [],
};

/** A store like etcd in the place of the monitor, and a decider in each keeper. */
export function createVirtualEtcd(world: World, settings: GroupSettings): Home {
  const process = createProcess(world.clock, world.clockOf(MONITOR));
  const store = createVirtualStore(world.randomOf('store'), emptyRecord('default', 0, settings, 'store 1'));
  const watchers = createWatchers(world, process);
  const random = world.randomOf('people');
  const members = new Map<NodeId, Member>();
  const requests = new Set<{ readonly asked: VirtualProcess; readonly life: number }>();
  /** Why the swap under way is made, and by whom, for the story. */
  let reason = '';
  /** When it was killed last. */
  let isLeased = false;

  function dies(): boolean {
    if (self.diesHere?.() !== true) return false;
    world.trace('etcd', () => 'dies at a swap');
    self.kill();
    return true;
  }

  const swap: StoreEnd['swap'] = ({ expected, next, needsNoLease, why }, then) => {
    if (dies()) return;
    if (needsNoLease && store.leaseTerm(process.timeMs()) !== null) return then({ kind: 'conflict' });
    reason = why;
    const outcome = store.swap(expected, next);
    if (!dies()) then(outcome);
  };

  const shared: MemberHome = {
    process,
    store,
    swap,
    subscribe(node, deliver) {
      if (!process.isAlive || !world.network.canTalk(node, MONITOR)) return undefined;
      return watchers.subscribe(node, store.stored, deliver);
    },
    member: (node) => members.get(node),
    open: (member) => void members.set(member.node, member),
  };

  const isBehind = ({ decider }: Member): boolean => decider.known().version !== store.stored.version;

  /** Those who answer to people; who is not behind first. */
  function near(): readonly Member[] {
    const answering = [...members.values()].filter(
      ({ node, process: { isAlive, pausedUntilMs } }) =>
        isAlive && pausedUntilMs <= world.clock.nowMs && world.network.canTalk(CLIENTS, node),
    );
    const abreast = answering.filter((member) => !isBehind(member));
    return abreast.length > 0 ? abreast : answering;
  }

  const viewOf = (member: Member): Evidence =>
    member.process.isAlive && !isBehind(member) ? member.decider.evidence() : NOTHING_KNOWN;

  /** `pgbaton create postgres` asks the store itself. */
  function register(ask: Ask): void {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const { record, version } = store.stored;
      const answer = ask(record, NOTHING_KNOWN);
      if (answer.kind === 'refused') return;
      reason = answer.because;
      if (store.swap(version, writtenBy(answer.next, 'people', version)).kind !== 'conflict') return;
    }
  }

  const self: Mutable<Home> = {
    process,
    store,
    onSwap: () => undefined,
    diesHere: null,
    isRestored: false,
    evidence: () =>
      [...members.values()]
        .map(viewOf)
        .reduce((best, view) => (view.reports.length > best.reports.length ? view : best), NOTHING_KNOWN),
    views: () =>
      store.stored.record.nodes.map(({ id }) => {
        const member = members.get(id);
        return member === undefined ? NOTHING_KNOWN : viewOf(member);
      }),
    dropWatches: () => watchers.drop(),
    isListening: () => near().length > 0,
    connect(keeper) {
      members.delete(keeper.node);
      return openMemberLink(world, keeper, shared);
    },
    register,
    request(ask, then) {
      const all = near();
      if (all.length === 0) return then(NO_ANSWER);
      const { decider, process: asked } = random.pick(all);
      const request = { asked, life: asked.life };
      requests.add(request);
      const answered: Then = (answer) => {
        requests.delete(request);
        then(answer);
      };
      decider.whenFree(() => decider.request(ask, answered));
    },
    isAsked: () => [...requests].some(({ asked, life }) => asked.isAlive && asked.life === life),
    restore: () => undefined,
    callers: () => [],
    recover: (_request, then) => then(NO_ANSWER),
    trust: () => undefined,
    begin() {
      process.begin();
      watchers.begin();
      if (!isLeased) return;
      store.refreshLease(process.timeMs() + settings.leaseMs);
      world.checkers.leaseRefreshedMs = world.clock.nowMs;
    },
    kill() {
      isLeased = store.leaseTerm(process.timeMs()) !== null;
      process.kill();
      watchers.drop();
    },
  };
  store.onSwap = (before, stored) => {
    world.trace('etcd', () => `v${stored.version} ${reason}`);
    world.stir(UNREST_MS);
    self.onSwap(isRecovery(before, stored.record) ? stored.record : before, stored.record);
    watchers.push(stored);
  };
  return self;
}
