import { decide } from '../src/core/decide.ts';
import type { Evidence, Report } from '../src/core/evidence.ts';
import {
  emptyRecord,
  findNode,
  type GroupRecord,
  type GroupSettings,
  type NodeId,
} from '../src/core/group-record.ts';
import { mayHoldLease, needsLease } from '../src/core/lease.ts';
import { refused, type Answer } from '../src/core/answer.ts';
import { writtenBy, type Contradiction } from '../src/core/record-home.ts';
import { recoverGroup, type Caller, type RecoveryRequest } from '../src/core/recover-group.ts';
import {
  DECISIONS_PER_RUN,
  dueInMs,
  LAG_WINDOW_MS,
  OVERTAKEN_PER_RUN,
  TICK_MS,
} from '../src/deciding/deciding-pace.ts';
import { createEvidenceBook, type EvidenceBook } from '../src/deciding/evidence-book.ts';
import { createRollCall, type RollCall } from '../src/deciding/roll-call.ts';
import { checkDecision, checkRequest, checkRest } from './decision-rules.ts';
import type { Mutable } from './mutable.ts';
import { checkRecovery } from './recovery-checks.ts';
import { createProcess, type VirtualProcess } from './process.ts';
import { MONITOR } from './virtual-network.ts';
import {
  createVirtualStore,
  type StoredRecord,
  type SwapOutcome,
  type Unanswered,
  type VirtualStore,
} from './virtual-store.ts';
import type { World } from './world.ts';

export interface TakenReport extends StoredRecord {
  readonly isRefused: boolean;
  /** How long the lease lasts that the report asked for; absent: it has none. */
  readonly leaseMs?: number;
}

/** The monitor: a store, the evidence that dies with the process, and the real `decide`. */
export interface VirtualMonitor {
  readonly process: VirtualProcess;
  readonly store: VirtualStore;
  /** Follows the record for a keeper; as long as the keeper's line lasts. */
  subscribe(node: NodeId, deliver: (stored: StoredRecord | undefined) => void): () => void;
  /** The streams to all keepers are gone, and their other ends do not know. */
  dropWatches(): void;
  /** Does the task when the store has answered what was asked before. */
  whenFree(task: () => void): void;
  readonly isBusy: boolean;
  /** `journalled`: the record on the keeper's disk, which the real one is asked for. */
  takeReport(report: Report, journalled: GroupRecord | null): TakenReport;
  request(ask: (record: GroupRecord, evidence: Evidence) => Answer): Answer;
  evidence(): Evidence;
  /** The store was lost or restored from a copy, and nobody has recovered the group since. */
  readonly isRestored: boolean;
  /** The file of the store is gone (undefined), or is again what it was. */
  restore(copy: StoredRecord | undefined): void;
  /** Who reports, with the record of each: what `store recover` goes by. */
  callers(): readonly Caller[];
  /** The copy of the store turned out to be the present one. */
  trust(): void;
  /** `pgbaton store recover`. */
  recover(request: RecoveryRequest): Answer;
  begin(): void;
  kill(): void;
  /** Told of every decision that is durable. */
  onSwap: (before: GroupRecord, next: GroupRecord) => void;
  /** Asked around each swap: whether the monitor dies there; null: it does not. */
  diesHere: (() => boolean) | null;
}

const PING_MS = 2_000;
/** A tick is asked for at the latest after this time: a report or a swap may have come in between, ms. */
const LOOK_AGAIN_MS = 1_000;
/** For how long clients look closely after each decision, ms. */
const UNREST_MS = 2_000;
/** How often a request is asked anew when somebody else has changed the record. */
const ATTEMPTS = 5;

const NO_ANSWER: Answer = {
  kind: 'refused',
  code: 'BATON_GROUP_BUSY',
  message: 'the store does not answer',
  hint: 'Try again.',
};

export function createVirtualMonitor(world: World, settings: GroupSettings): VirtualMonitor {
  const process = createProcess(world.clock, world.clockOf(MONITOR));
  const subscribers = new Map<NodeId, (stored: StoredRecord | undefined) => void>();
  const now = (): number => process.timeMs();
  let incarnation = 0;
  const newRecord = (): GroupRecord => emptyRecord('default', 0, settings, `store ${(incarnation += 1)}`);
  const store = createVirtualStore(world.randomOf('store'), newRecord());
  let known: StoredRecord = store.stored;
  let [isUncertain, isTicking] = [false, false];
  let waiting: (() => void)[] = [];
  /** As durable as the store. */
  let contradicted: Contradiction | undefined;
  let rollCall: RollCall = createRollCall(now);
  let starts = 0;
  let book: EvidenceBook = createEvidenceBook(now);
  let beganMs = 0;
  /** Why the swap under way is made, for the story. */
  let reason = '';

  function evidence(): Evidence {
    const heard = book.evidence(known.record, process.latenessMs(LAG_WINDOW_MS));
    const contradiction = rollCall.contradiction(known);
    const leased = needsLease(known.record)
      ? { ...heard, lease: { term: store.leaseTerm(now()), storeAgeMs: heard.deciderAgeMs } }
      : heard;
    return contradiction === undefined ? leased : { ...leased, contradiction };
  }

  /** src/deciding/baton-lease.ts: how long the lease lasts that a report asks for. */
  function keepLease(report: Report): number | undefined {
    const { record, version } = known;
    const { leaseFor: term } = report;
    if (term === undefined || isUncertain || !mayHoldLease(record, report, term)) return undefined;
    const { leaseMs } = record.settings;
    return store.keepLease({ term, untilMs: now() + leaseMs }, version, now()) ? leaseMs : undefined;
  }

  function push(node: NodeId, news: StoredRecord | undefined): void {
    const deliver = subscribers.get(node);
    if (deliver === undefined) return;
    const isOver = (): boolean => subscribers.get(node) !== deliver;
    world.network.stream(MONITOR, node, isOver, () => deliver(news));
  }

  function learn(stored: StoredRecord): void {
    const before = known.record;
    known = stored;
    book.follow(before, stored.record);
    if (isRecovery(before, stored.record))
      for (const { report } of rollCall.callers()) book.take(report, stored.record);
    for (const node of subscribers.keys()) push(node, stored);
  }

  /** One thing after the other: what comes in meanwhile waits. */
  function waitFor({ afterMs }: Unanswered, then: () => void): void {
    self.isBusy = true;
    process.after(afterMs, () => {
      self.isBusy = false;
      then();
      while (waiting.length > 0 && !self.isBusy) waiting.shift()?.();
    });
  }

  /** Reads the record where a write before had no certain outcome; false: the store does not answer. */
  function refresh(): boolean {
    if (self.isBusy) return false;
    if (!isUncertain) return true;
    const answer = store.read();
    if ('kind' in answer) {
      waitFor(answer, () => undefined);
      return false;
    }
    isUncertain = false;
    if (answer.version !== known.version) learn(answer);
    return true;
  }

  /** As in src/monitor/record-cell.ts: without an answer nobody knows what is in the store. */
  function swap(decided: GroupRecord, why: string): SwapOutcome['kind'] | 'died' {
    if (dies()) return 'died';
    const next = writtenBy(decided, `start ${starts}`, known.version);
    isUncertain = true;
    reason = why;
    const outcome = store.swap(known.version, next);
    if (dies()) return 'died';
    if (outcome.kind === 'written') {
      isUncertain = false;
      learn({ version: outcome.version, record: next });
    } else if (outcome.kind === 'unanswered') {
      world.trace('monitor', () => 'the store does not answer');
      waitFor(outcome, settle);
    } else {
      world.count('swap conflict');
      return refresh() ? 'conflict' : 'unanswered';
    }
    return outcome.kind;
  }

  function dies(): boolean {
    if (self.diesHere?.() !== true) return false;
    world.trace('monitor', () => 'dies at a swap');
    self.kill();
    return true;
  }

  /** Whether the nodes know better than the store, also after it was read anew. */
  function isDoubted(): boolean {
    if (rollCall.contradiction(known) === undefined) return false;
    isUncertain = true;
    if (refresh()) contradicted = rollCall.contradiction(known);
    return rollCall.contradiction(known) !== undefined;
  }

  function settle(): void {
    if (!refresh() || isDoubted()) return;
    const rules: string[] = [];
    let overtaken = 0;
    for (;;) {
      const seen = evidence();
      const decision = decide(known.record, seen);
      if (decision === undefined) return checkRest(world, known.record, seen);
      checkDecision({ world, before: known.record, decision, evidence: seen });
      world.count(`rule ${decision.rule}`);
      const outcome = swap(decision.next, `${decision.rule}: ${decision.because}`);
      if (outcome === 'unanswered' || outcome === 'died') return;
      if (outcome === 'written') rules.push(decision.rule);
      else overtaken += 1;
      if (overtaken >= OVERTAKEN_PER_RUN) return;
      if (rules.length > DECISIONS_PER_RUN) {
        return world.checkers.fail('I27 decisions never go round', rules.join(', '));
      }
    }
  }

  /** How long time alone can't change a decision; the real monitor looks ten times a second whether it can. */
  const idleMs = (): number => (isUncertain ? 0 : dueInMs(known.record, book));

  /** Asks for the next tick that has something to do; ticks stand on a grid. */
  function awaitTick(): void {
    if (isTicking) return;
    const waitMs = Math.min(idleMs(), LOOK_AGAIN_MS);
    const next = beganMs + (Math.floor((now() + waitMs - beganMs) / TICK_MS) + 1) * TICK_MS;
    isTicking = true;
    // Not less: a clock that drifts may be a hair before the grid, for ever.
    process.after(Math.max(1, next - now()), tick);
  }

  function tick(): void {
    isTicking = false;
    if (!self.isBusy && idleMs() === 0) settle();
    awaitTick();
  }

  /** It can say nothing before it has read the record. */
  function open(): void {
    const answer = store.read();
    if ('kind' in answer) return waitFor(answer, open);
    known = answer;
    book = createEvidenceBook(now);
    book.follow(undefined, known.record);
    rollCall = createRollCall(now);
    if (contradicted !== undefined) rollCall.remember(contradicted.node, contradicted.theirs);
    starts += 1;
    beganMs = now();
    awaitTick();
    process.after(PING_MS, ping);
  }

  function ping(): void {
    for (const node of subscribers.keys()) push(node, undefined);
    process.after(PING_MS, ping);
  }

  const self: Mutable<VirtualMonitor> = {
    process,
    store,
    onSwap: () => undefined,
    diesHere: null,
    isBusy: false,
    isRestored: false,
    evidence,
    dropWatches: () => subscribers.clear(),
    whenFree(task) {
      if (self.isBusy) waiting.push(task);
      else task();
    },
    subscribe(node, deliver) {
      subscribers.set(node, deliver);
      push(node, known);
      return () => {
        if (subscribers.get(node) === deliver) subscribers.delete(node);
      };
    },
    takeReport(report, journalled) {
      const leaseMs = keepLease(report);
      rollCall.take(report, journalled ?? undefined);
      if (findNode(known.record, report.node) !== undefined && book.take(report, known.record)) settle();
      return {
        ...known,
        isRefused: rollCall.contradiction(known) !== undefined,
        ...(leaseMs === undefined ? {} : { leaseMs }),
      };
    },
    restore(copy) {
      self.kill();
      store.replace(copy ?? { version: 0, record: newRecord() });
      contradicted = undefined;
      self.isRestored = true;
      self.begin();
    },
    callers: () => rollCall.callers(),
    recover(request) {
      if (!refresh()) return NO_ANSWER;
      const answer = recoverGroup(known, rollCall.callers(), request);
      if (answer.kind === 'refused') return answer;
      checkRecovery(world, rollCall.callers(), answer.next, request);
      if (swap(answer.next, answer.because) !== 'written') return NO_ANSWER;
      self.isRestored = false;
      settle();
      return answer;
    },
    trust() {
      self.isRestored = false;
    },
    request(ask) {
      if (!refresh()) return NO_ANSWER;
      if (isDoubted()) return refused('BATON_REFUSED', 'the store is not believed', '');
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const answer = ask(known.record, evidence());
        if (answer.kind === 'refused' || answer.next === known.record) return answer;
        checkRequest(world, known.record, answer.next);
        const outcome = swap(answer.next, `request: ${answer.because}`);
        if (outcome === 'unanswered' || outcome === 'died') return NO_ANSWER;
        if (outcome === 'conflict') continue;
        settle();
        return answer;
      }
      return NO_ANSWER;
    },
    begin() {
      process.begin();
      [self.isBusy, isUncertain, isTicking, waiting] = [false, false, false, []];
      open();
    },
    kill() {
      process.kill();
      subscribers.clear();
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

function isRecovery(before: GroupRecord, next: GroupRecord): boolean {
  return before.home.incarnations.length !== next.home.incarnations.length;
}
