import { randomUUID } from 'node:crypto';
import type { GroupMessage } from '../api/monitor-service.ts';
import type { NodeView } from '../api/schemas.ts';
import { decide, type Decision } from '../core/decide.ts';
import { stampOfReport, type Evidence, type Report } from '../core/evidence.ts';
import { findNode, type GroupRecord, type NodeId } from '../core/group-record.ts';
import { needsLease } from '../core/lease.ts';
import { isLeaseOfInterest } from '../core/liveness.ts';
import { afterDecision, afterReport, EMPTY_TIMELINE, milestonesOf } from '../core/reign-timeline.ts';
import { arrive, describeMoved, hasMoved } from '../core/move-record.ts';
import {
  contradictionOf,
  describeContradiction,
  writtenBy,
  type Contradiction,
} from '../core/record-home.ts';
import { recoverGroup, type RecoveryRequest } from '../core/recover-group.ts';
import type { Answer } from '../core/requests.ts';
import type { Guard, Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import {
  DECISIONS_PER_RUN,
  dueInMs,
  isChangingReign,
  OVERTAKEN_PER_RUN,
  TAKEN_ALONG_MS,
} from './deciding-pace.ts';
import { createBatonLease } from './baton-lease.ts';
import { createEvidenceBook } from './evidence-book.ts';
import { createEventWriter } from './event-writer.ts';
import type { FaultLog } from './fault-log.ts';
import { decisionEvent, plainEvent, stateEvents, statesOf, type NewEvent } from './group-events.ts';
import { viewNode, viewNodes } from './group-view.ts';
import {
  createGroupRequests,
  type GroupRequest,
  type HomeChange,
  type RequestOutcome,
} from './group-requests.ts';
import { createRecordCell, type StoredRecord } from './record-cell.ts';
import { createRecordChain } from './record-chain.ts';
import { createRollCall } from './roll-call.ts';
import { createSerialQueue } from './serial-queue.ts';
import { createStoreDoubt } from './store-doubt.ts';
import { TURN_MS, type Turn } from './turn.ts';

/** Decides for one group: takes reports and requests, one after the other, and swaps in what follows from them. */
export interface GroupDecider {
  current(): StoredRecord;
  /** Known at once; resolves once everything that the report leads to is in the store. */
  takeReport(report: Report, journalled?: GroupRecord): Promise<TakenReport>;
  /**
   * Takes or renews the lease that a report asks for: until when it is held, on
   * this decider's clock; undefined: it is not given. Throws what the store throws.
   */
  keepLease(report: Report): Promise<number | undefined>;
  /** What a node that has sent this report is told now. */
  answerTo(report: Report): TakenReport;
  /** It is this decider's turn, so that what only one of them need do is up to it. */
  isFirst(): boolean;
  /** A record that another decider has of the store. */
  learn(stored: StoredRecord): void;
  /** What was read from a store that others write too; undefined: it has no record of the group. */
  observe(stored: StoredRecord | undefined): void;
  /** Swaps in what a pure request function answers; with `dryRun` only asks it. Throws the refusal. */
  request<A extends Answer>(request: GroupRequest<A>): Promise<RequestOutcome<A>>;
  /** As {@link request}, for the record that the nodes have; also, and only, while the store is not believed. */
  recover(request: RecoveryRequest, how: HomeChange): Promise<RequestOutcome<Answer>>;
  /** As {@link recover}, for a record that comes from another home. */
  receive(arriving: GroupRecord, how: HomeChange): Promise<RequestOutcome<Answer>>;
  /** Why nothing is decided for the group: its nodes know better than the store, or it has moved. */
  refused(): string | undefined;
  /** A contradiction that was found before this process has started. */
  remember(contradiction: Contradiction): void;
  /** To be called often: looks at what becomes due by time alone. Cheap when nothing is. */
  tick(): void;
  evidence(): Evidence;
  view(): readonly NodeView[];
  watch(listener: (message: GroupMessage) => void): () => void;
  /** Resolves when nothing is under way any more; takes nothing after that. */
  close(): Promise<void>;
}

export interface TakenReport extends StoredRecord {
  /** Why nothing is decided on it. */
  readonly refused: string | undefined;
  /** The record of the keeper's journal would be of use. */
  readonly wantsRecord: boolean;
}

export interface GroupDeciderDeps {
  readonly store: Store;
  readonly log: Logger;
  readonly faults: FaultLog;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Wall clock, epoch ms: for people only. */
  readonly wallClock: () => number;
  readonly lagMs: () => number;
  /** Where several decide for one group; without it this one decides alone. */
  readonly turn?: Turn;
  /** The node of this decider, where it is in a keeper. */
  readonly own?: NodeId;
}

/** For how long nothing is decided after that: such a fault must not fill the store. */
const HOLD_MS = 1_000;

export function createGroupDecider(start: StoredRecord, deps: GroupDeciderDeps): GroupDecider {
  const { store, log, faults, now } = deps;
  const { formation, group } = start.record;
  let book = createEvidenceBook(now, deps.own);
  const queue = createSerialQueue();
  const listeners = new Set<(message: GroupMessage) => void>();
  const tell = (message: GroupMessage): void => {
    for (const listener of listeners) listener(message);
  };
  const events = createEventWriter({ store, faults, now, wallClock: deps.wallClock, tell });
  let timeline = EMPTY_TIMELINE;
  const rollCall = createRollCall(now);
  /** What was leased in a store that was lost is not in the one that the group was recovered into. */
  let storeKnownAtMs = now();
  const cell = createRecordCell(store, start, (before, { record, version }) => {
    if (before.home.incarnations.at(-1) === record.home.incarnations.at(-1)) book.follow(before, record);
    else listenAnew(before, record);
    timeline = afterDecision(timeline, before, record, now());
    // Before anything else: a failover waits for its record.
    tell({ kind: 'record', version, record });
  });
  const lease = createBatonLease(store, cell);
  const chain = createRecordChain();
  const doubt = createStoreDoubt({ store, log, cell, rollCall, events });
  // A copy of the store that is started is somebody else: what the two write is told apart by it.
  const writer = randomUUID().slice(0, 8);
  const requests = createGroupRequests({ log, cell, doubt, evidence, swap, settle: settleOrLog });
  let states = statesOf(start.record, book);
  const unseen = new Set(start.record.nodes.map(({ id }) => id));
  let heldUntilMs = -Infinity;
  /** Since when there is something to decide that others are to decide first. */
  let waiting: { readonly version: number; readonly sinceMs: number } | undefined;
  let nextRound: Promise<void> | undefined;
  book.follow(undefined, start.record);

  /** Nobody was listened to while the group was elsewhere, or the store not believed: silence would look like death. */
  function listenAnew(before: GroupRecord, record: GroupRecord): void {
    book = createEvidenceBook(now, deps.own);
    book.follow(undefined, record);
    storeKnownAtMs = now();
    // What was said here before the group left is over.
    if (hasMoved(before)) return;
    for (const { report } of rollCall.callers()) book.take(report, record);
  }

  const current = (): GroupRecord => cell.current().record;
  function evidence(): Evidence {
    const known = book.evidence(current(), deps.lagMs());
    const contradiction = doubt.contradiction();
    return contradiction === undefined ? known : { ...known, contradiction };
  }

  /** A quiet group does not ask the store who has the lease. */
  async function withLease(known: Evidence): Promise<Evidence> {
    const isWanted = needsLease(current()) && isLeaseOfInterest(current(), known);
    if (!isWanted) return known;
    const term = await lease.look();
    return { ...known, lease: { term, storeAgeMs: now() - storeKnownAtMs } };
  }

  function changedStates(record: GroupRecord): readonly NewEvent[] {
    return stateEvents(record, states, statesOf(record, book), unseen);
  }

  /** From now on the states of the present record count as told. */
  function tellRows(changed: readonly NewEvent[]): void {
    states = statesOf(current(), book);
    for (const { node_id: id } of changed) {
      const node = id === undefined ? undefined : findNode(current(), id);
      if (node !== undefined) tell({ kind: 'state', node: viewNode(current(), node, book) });
    }
  }

  /** The decision that ends a change of reign tells what that went through. */
  function eventOf(decision: Decision, inputs: Evidence): NewEvent {
    const { next } = decision;
    return decisionEvent(
      next,
      decision,
      inputs,
      decision.rule === 'confirm_reign'
        ? milestonesOf(afterDecision(timeline, current(), next, now()), next.term)
        : undefined,
    );
  }

  /** One swap with the events that explain it. false: somebody else was faster. */
  async function swap(decided: GroupRecord, why: NewEvent, guards: readonly Guard[] = []): Promise<boolean> {
    const read = cell.current();
    const next = writtenBy(decided, writer, read.version);
    const changed = turn() === 0 ? changedStates(next) : [];
    const notes = events.takeAlong([{ ...why, ...chain.link(read, next) }, ...changed], read.version);
    const written = await cell.swap(next, notes, guards);
    if (written === undefined) return false;
    chain.written(read, next);
    tellRows(changed);
    events.written(notes, written.noteIds);
    return true;
  }

  /** Lets `decide` speak until it is silent. */
  async function settle(): Promise<void> {
    await cell.refresh();
    if (doubt.contradiction() !== undefined) await doubt.lookInto();
    if (doubt.contradiction() !== undefined) return;
    if (now() < heldUntilMs) return;
    const rules: string[] = [];
    let overtaken = 0;
    let isSpeaking = false;
    while (rules.length < DECISIONS_PER_RUN) {
      const inputs = await withLease(evidence());
      const decision = decide(current(), inputs);
      if (decision === undefined) return void (waiting = undefined);
      // Who has written may go on: the others have yet to read what it was.
      if (!isSpeaking && mustWait()) return;
      const { rule, because } = decision;
      const guards = decision.needsNoLease ? [lease.isOver] : [];
      isSpeaking = await swap(decision.next, eventOf(decision, inputs), guards);
      if (isSpeaking) {
        rules.push(rule);
        log.info({ formation, group, rule, term: current().term, version: cell.current().version }, because);
        continue;
      }
      // The same rule speaks again because nothing came of it: that is no circle.
      overtaken += 1;
      if (overtaken >= OVERTAKEN_PER_RUN) {
        log.warn(
          { formation, group, rule },
          `others were faster ${overtaken} times, and this waits: ${because}`,
        );
        return;
      }
    }
    heldUntilMs = now() + HOLD_MS;
    const because = `decisions go round in circles: ${[...new Set(rules)].join(', ')}`;
    log.error({ formation, group }, because);
    events.add(plainEvent('monitor', current(), because), cell.current().version);
  }

  const turn = (): number => deps.turn?.(current(), book) ?? 0;

  /** Whether others are still to decide first what there is to decide now. */
  function mustWait(): boolean {
    const place = turn();
    if (place === 0) return false;
    const { version } = cell.current();
    if (waiting?.version !== version) waiting = { version, sinceMs: now() };
    return now() - waiting.sinceMs < place * TURN_MS;
  }

  /** Whatever comes in until the round begins is looked at in it: a store that hangs must not let rounds pile up. */
  function settleSoon(): Promise<void> {
    nextRound ??= queue.run(() => {
      nextRound = undefined;
      return settleOrLog();
    });
    return nextRound;
  }

  /** A store that fails now is asked again at the next report or tick; what is known stays true meanwhile. */
  async function settleOrLog(): Promise<void> {
    try {
      await settle();
      faults.succeeded();
    } catch (error) {
      faults.failed(error, `no decision for group ${group} of formation "${formation}" could be written`);
    }
    if (doubt.contradiction() !== undefined || hasMoved(current())) return events.flush();
    const changed = changedStates(current());
    tellRows(changed);
    // Everybody sees the states change; the first of them writes it down.
    if (turn() === 0) for (const event of changed) events.add(event, cell.current().version);
    for (const id of unseen) if (book.reportOf(id) !== undefined) unseen.delete(id);
    if (!isChangingReign(current()) || events.waitingMs() >= TAKEN_ALONG_MS) await events.flush();
  }

  function takeIn(news: () => void): void {
    const known = cell.current();
    news();
    const isNew = cell.current() !== known || cell.isUncertain();
    // What comes in after the end has nobody to decide on it.
    if (isNew && !queue.isClosed()) void settleSoon();
  }

  function againstStore(report: Report): Contradiction | undefined {
    const { record, version } = cell.current();
    return contradictionOf(report.node, stampOfReport(report), record, version);
  }

  function taken(report: Report): TakenReport {
    const own = againstStore(report);
    const refused =
      doubt.sentence() ?? (own === undefined ? undefined : describeContradiction(own, current()));
    return { ...cell.current(), refused, wantsRecord: !rollCall.hasRecordOf(report.node) };
  }

  function isDue(): boolean {
    if (current().nodes.length === 0) return false;
    if (cell.isUncertain() || events.hasUnwritten() || waiting !== undefined) return true;
    if (hasMoved(current())) return false;
    return dueInMs(current(), book) === 0;
  }

  return {
    current: () => cell.current(),
    async takeReport(report, journalled) {
      rollCall.take(report, journalled);
      const against = againstStore(report);
      const isHeard = against?.standing !== 'foreign' && findNode(current(), report.node) !== undefined;
      if (isHeard && book.take(report, current())) timeline = afterReport(timeline, current(), report, now());
      else if (doubt.contradiction() === undefined) return taken(report);
      await settleSoon();
      return taken(report);
    },
    keepLease: (report) => lease.keep(report, now),
    answerTo: taken,
    isFirst: () => turn() === 0,
    learn(stored) {
      // As long as the store contradicts its nodes, only what it says itself counts.
      if (doubt.contradiction() === undefined) takeIn(() => cell.learn(stored));
    },
    observe: (stored) => takeIn(() => cell.observe(stored)),
    request: (asked) => queue.run(() => requests.ask(asked)),
    recover: (asked, how) =>
      queue.run(() =>
        requests.changeHome(() => recoverGroup(cell.current(), rollCall.callers(), asked), how),
      ),
    receive: (arriving, how) =>
      queue.run(() => requests.changeHome(() => arrive(cell.current(), arriving), how)),
    refused: () => doubt.sentence() ?? (hasMoved(current()) ? describeMoved(current()) : undefined),
    remember: ({ node, theirs }) => rollCall.remember(node, theirs),
    tick() {
      if (queue.isIdle() && isDue()) void settleSoon();
    },
    evidence,
    view: () => viewNodes(current(), book),
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await queue.close();
      await events.flush();
    },
  };
}
