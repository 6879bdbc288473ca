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
import { createEvidenceBook, type EvidenceBook } from '../src/monitor/evidence-book.ts';
import { createLagMeter, type LagMeter } from '../src/monitor/lag-meter.ts';
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
  readonly lastSwapMs: number;
}

const TICK_MS = 100;
const PING_MS = 2_000;
const FRESH_MS = 1_000;
const DECISIONS_PER_RUN = 20;

export function createVirtualMonitor(world: World, settings: GroupSettings): VirtualMonitor {
  const { clock } = world;
  const process = createProcess(clock);
  const subscribers = new Map<NodeId, (stored: StoredRecord | undefined) => void>();
  const now = (): number => clock.nowMs;
  let stored: StoredRecord = { version: 0, record: emptyRecord('default', 0, settings) };
  let book: EvidenceBook = createEvidenceBook(now);
  let lag: LagMeter = createLagMeter({ everyMs: TICK_MS, windowMs: 5_000, nowMs: 0 });
  let lastSwapMs = 0;

  const evidence = (): Evidence => book.evidence(stored.record, lag.lagMs(now()));

  function push(node: NodeId, news: StoredRecord | undefined): void {
    const deliver = subscribers.get(node);
    if (deliver === undefined) return;
    const isOver = (): boolean => subscribers.get(node) !== deliver;
    world.network.stream(MONITOR, node, isOver, () => deliver(news));
  }

  function swap(next: GroupRecord, why: string): void {
    const before = stored.record;
    stored = { version: stored.version + 1, record: next };
    lastSwapMs = now();
    world.trace('monitor', () => `v${stored.version} ${why}`);
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
        return world.checkers.fail('I28 decisions never go round', rules.join(', '));
      }
      world.count(`rule ${decision.rule}`);
      swap(decision.next, `${decision.rule}: ${decision.because}`);
    }
  }

  function isDue(): boolean {
    if (stored.record.nodes.length === 0) return false;
    if (stored.record.intent !== null) return true;
    return stored.record.nodes.some(({ id }) => (book.reportAgeMs(id) ?? Infinity) > FRESH_MS);
  }

  function tick(): void {
    lag.tick(now());
    if (isDue()) settle();
    process.after(TICK_MS, tick);
  }

  function ping(): void {
    for (const node of subscribers.keys()) push(node, undefined);
    process.after(PING_MS, ping);
  }

  return {
    process,
    get stored() {
      return stored;
    },
    get lastSwapMs() {
      return lastSwapMs;
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
      lag = createLagMeter({ everyMs: TICK_MS, windowMs: 5_000, nowMs: now() });
      process.after(TICK_MS, tick);
      process.after(PING_MS, ping);
    },
    kill() {
      process.kill();
      subscribers.clear();
    },
  };
}
