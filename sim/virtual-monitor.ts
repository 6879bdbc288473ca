import { decide } from '../src/core/decide.ts';
import type { Evidence, Report } from '../src/core/evidence.ts';
import {
  emptyRecord,
  findNode,
  type GroupRecord,
  type GroupSettings,
  type NodeId,
} from '../src/core/group-record.ts';
import type { Answer } from '../src/core/requests.ts';
import { DECISIONS_PER_RUN, dueInMs, LAG_WINDOW_MS, TICK_MS } from '../src/deciding/deciding-pace.ts';
import { createEvidenceBook, type EvidenceBook } from '../src/deciding/evidence-book.ts';
import { checkDecision, checkRequest, checkRest } from './decision-rules.ts';
import { createProcess, type VirtualProcess } from './process.ts';
import { MONITOR } from './virtual-network.ts';
import type { World } from './world.ts';

/** A record as it stands in the store. */
export interface StoredRecord {
  readonly version: number;
  readonly record: GroupRecord;
}

/** The monitor: a durable store, the evidence that dies with the process, and the real `decide`. */
export interface VirtualMonitor {
  readonly process: VirtualProcess;
  /** Durable. */
  readonly stored: StoredRecord;
  /** Follows the record for a keeper; as long as the keeper's line lasts. */
  subscribe(node: NodeId, deliver: (stored: StoredRecord | undefined) => void): () => void;
  takeReport(report: Report): StoredRecord;
  request(ask: (record: GroupRecord, evidence: Evidence) => Answer): Answer;
  evidence(): Evidence;
  begin(): void;
  kill(): void;
  /** Told of every decision. */
  onSwap: (before: GroupRecord, next: GroupRecord) => void;
}

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
  let stored: StoredRecord = { version: 0, record: emptyRecord('default', 0, settings) };
  let book: EvidenceBook = createEvidenceBook(now);
  let beganMs = 0;
  let isTicking = false;

  const evidence = (): Evidence => book.evidence(stored.record, process.latenessMs(LAG_WINDOW_MS));

  function push(node: NodeId, news: StoredRecord | undefined): void {
    const deliver = subscribers.get(node);
    if (deliver === undefined) return;
    const isOver = (): boolean => subscribers.get(node) !== deliver;
    world.network.stream(MONITOR, node, isOver, () => deliver(news));
  }

  function swap(next: GroupRecord, why: string): void {
    const before = stored.record;
    stored = { version: stored.version + 1, record: next };
    world.trace('monitor', () => `v${stored.version} ${why}`);
    world.stir(UNREST_MS);
    self.onSwap(before, next);
    book.follow(before, next);
    for (const node of subscribers.keys()) push(node, stored);
  }

  function settle(): void {
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
    takeReport(report) {
      if (findNode(stored.record, report.node) !== undefined && book.take(report, stored.record)) settle();
      return stored;
    },
    request(ask) {
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
