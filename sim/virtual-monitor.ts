import { decide } from '../src/core/decide.ts';
import type { Evidence, Report } from '../src/core/evidence.ts';
import {
  emptyRecord,
  findNode,
  type GroupRecord,
  type GroupSettings,
  type NodeId,
} from '../src/core/group-record.ts';
import { writtenBy, type Contradiction } from '../src/core/record-home.ts';
import { recoverGroup, type Caller, type RecoveryRequest } from '../src/core/recover-group.ts';
import { refused, type Answer } from '../src/core/answer.ts';
import { DECISIONS_PER_RUN, dueInMs, LAG_WINDOW_MS, TICK_MS } from '../src/deciding/deciding-pace.ts';
import { createEvidenceBook, type EvidenceBook } from '../src/deciding/evidence-book.ts';
import { createRollCall, type RollCall } from '../src/deciding/roll-call.ts';
import { checkDecision, checkRequest, checkRest } from './decision-rules.ts';
import { createProcess, type VirtualProcess } from './process.ts';
import { MONITOR } from './virtual-network.ts';
import type { World } from './world.ts';

/** A record as it stands in the store. */
export interface StoredRecord {
  readonly version: number;
  readonly record: GroupRecord;
}

export interface TakenReport extends StoredRecord {
  readonly isRefused: boolean;
}

/** The monitor: a durable store, the evidence that dies with the process, and the real `decide`. */
export interface VirtualMonitor {
  readonly process: VirtualProcess;
  /** Durable. */
  readonly stored: StoredRecord;
  /** Follows the record for a keeper; as long as the keeper's line lasts. */
  subscribe(node: NodeId, deliver: (stored: StoredRecord | undefined) => void): () => void;
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
  /** Every version that was ever written, oldest first. */
  readonly past: readonly StoredRecord[];
  begin(): void;
  kill(): void;
  /** Told of every decision. */
  onSwap: (before: GroupRecord, next: GroupRecord) => void;
}

/** How many versions a copy of the store can be behind. */
const REMEMBERED = 50;
const PING_MS = 2_000;
/** A tick is asked for at the latest after this time: a report or a swap may have come in between, ms. */
const LOOK_AGAIN_MS = 1_000;
/** For how long clients look closely after each decision, ms. */
const UNREST_MS = 2_000;

export function createVirtualMonitor(world: World, settings: GroupSettings): VirtualMonitor {
  const { clock } = world;
  const process = createProcess(clock);
  const subscribers = new Map<NodeId, (stored: StoredRecord | undefined) => void>();
  const now = (): number => clock.nowMs;
  let incarnation = 0;
  const newStore = (): StoredRecord => ({
    version: 0,
    record: emptyRecord('default', 0, settings, `store ${(incarnation += 1)}`),
  });
  let stored: StoredRecord = newStore();
  let past: readonly StoredRecord[] = [];
  let isRestored = false;
  /** As durable as the store. */
  let contradicted: Contradiction | undefined;
  let rollCall: RollCall = createRollCall(now);
  let starts = 0;
  let book: EvidenceBook = createEvidenceBook(now);
  let beganMs = 0;
  let isTicking = false;

  function evidence(): Evidence {
    const known = book.evidence(stored.record, process.latenessMs(LAG_WINDOW_MS));
    const contradiction = rollCall.contradiction(stored);
    return contradiction === undefined ? known : { ...known, contradiction };
  }

  function push(node: NodeId, news: StoredRecord | undefined): void {
    const deliver = subscribers.get(node);
    if (deliver === undefined) return;
    const isOver = (): boolean => subscribers.get(node) !== deliver;
    world.network.stream(MONITOR, node, isOver, () => deliver(news));
  }

  function swap(decided: GroupRecord, why: string): void {
    const before = stored.record;
    const next = writtenBy(decided, `start ${starts}`, stored.version);
    stored = { version: stored.version + 1, record: next };
    past = [...past.slice(-REMEMBERED), stored];
    world.trace('monitor', () => `v${stored.version} ${why}`);
    world.stir(UNREST_MS);
    const isRecovered = before.home.incarnations.length !== next.home.incarnations.length;
    // What a recovered record has to be is not told by the one of a store that was lost.
    self.onSwap(isRecovered ? next : before, next);
    book.follow(before, next);
    if (isRecovered) for (const { report } of rollCall.callers()) book.take(report, next);
    for (const node of subscribers.keys()) push(node, stored);
  }

  function settle(): void {
    contradicted = rollCall.contradiction(stored);
    if (contradicted !== undefined) return;
    const rules: string[] = [];
    for (;;) {
      const known = evidence();
      const decision = decide(stored.record, known);
      if (decision === undefined) return checkRest(world, stored.record, known);
      checkDecision({ world, before: stored.record, decision, evidence: known });
      rules.push(decision.rule);
      if (rules.length > DECISIONS_PER_RUN) {
        return world.checkers.fail('I27 decisions never go round', rules.join(', '));
      }
      world.count(`rule ${decision.rule}`);
      swap(decision.next, `${decision.rule}: ${decision.because}`);
    }
  }

  /** Asks for the next tick that has something to do; ticks stand on a grid. */
  function awaitTick(): void {
    if (isTicking) return;
    const waitMs = Math.min(dueInMs(stored.record, book), LOOK_AGAIN_MS);
    const next = beganMs + (Math.floor((now() + waitMs - beganMs) / TICK_MS) + 1) * TICK_MS;
    isTicking = true;
    process.after(next - now(), tick);
  }

  function tick(): void {
    isTicking = false;
    if (dueInMs(stored.record, book) === 0) settle();
    awaitTick();
  }

  function ping(): void {
    for (const node of subscribers.keys()) push(node, undefined);
    process.after(PING_MS, ping);
  }

  const self: VirtualMonitor = {
    process,
    onSwap: () => undefined,
    get stored() {
      return stored;
    },
    evidence,
    subscribe(node, deliver) {
      subscribers.set(node, deliver);
      push(node, stored);
      return () => {
        if (subscribers.get(node) === deliver) subscribers.delete(node);
      };
    },
    get isRestored() {
      return isRestored;
    },
    get past() {
      return past;
    },
    takeReport(report, journalled) {
      rollCall.take(report, journalled ?? undefined);
      if (findNode(stored.record, report.node) !== undefined && book.take(report, stored.record)) settle();
      return { ...stored, isRefused: rollCall.contradiction(stored) !== undefined };
    },
    restore(copy) {
      self.kill();
      stored = copy ?? newStore();
      contradicted = undefined;
      isRestored = true;
      self.begin();
    },
    callers: () => rollCall.callers(),
    recover(request) {
      const answer = recoverGroup(stored, rollCall.callers(), request);
      if (answer.kind === 'refused') return answer;
      isRestored = false;
      swap(answer.next, answer.because);
      settle();
      return answer;
    },
    trust() {
      isRestored = false;
    },
    request(ask) {
      if (rollCall.contradiction(stored) !== undefined)
        return refused('BATON_REFUSED', 'the store is not believed', '');
      const answer = ask(stored.record, evidence());
      if (answer.kind === 'accepted' && answer.next !== stored.record) {
        checkRequest(world, stored.record, answer.next);
        swap(answer.next, `request: ${answer.because}`);
        settle();
      }
      return answer;
    },
    begin() {
      process.begin();
      book = createEvidenceBook(now);
      book.follow(undefined, stored.record);
      rollCall = createRollCall(now);
      if (contradicted !== undefined) rollCall.remember(contradicted.node, contradicted.theirs);
      starts += 1;
      beganMs = now();
      isTicking = false;
      awaitTick();
      process.after(PING_MS, ping);
    },
    kill() {
      process.kill();
      subscribers.clear();
    },
  };
  return self;
}
