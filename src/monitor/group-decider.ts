import type { GroupMessage } from '../api/monitor-service.ts';
import type { NodeView } from '../api/schemas.ts';
import { decide } from '../core/decide.ts';
import type { Evidence, Report } from '../core/evidence.ts';
import { findNode, type GroupRecord, type NodeId } from '../core/group-record.ts';
import type { Accepted, Answer } from '../core/requests.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createEvidenceBook } from './evidence-book.ts';
import { createEventWriter } from './event-writer.ts';
import { decisionEvent, plainEvent, stateEvents, statesOf, type NewEvent } from './group-events.ts';
import { viewNode, viewNodes } from './group-view.ts';
import { recordKey } from './record-key.ts';
import { createSerialQueue } from './serial-queue.ts';

/** A record as it stands in the store. */
export interface StoredRecord {
  readonly record: GroupRecord;
  readonly version: number;
}

/** Decides for one group: takes reports and requests, one after the other, and swaps in what follows from them. */
export interface GroupDecider {
  current(): StoredRecord;
  /** Resolves once everything that the report leads to is in the store. */
  takeReport(report: Report): Promise<StoredRecord>;
  /** Swaps in what a pure request function answers; with `dryRun` only asks it. Throws the refusal. */
  request<A extends Answer>(request: GroupRequest<A>): Promise<RequestOutcome<A>>;
  /** To be called often: looks at what becomes due by time alone. Cheap when nothing is. */
  tick(): void;
  evidence(): Evidence;
  view(): readonly NodeView[];
  watch(listener: (message: GroupMessage) => void): () => void;
  /** Resolves when nothing is under way any more; takes nothing after that. */
  close(): Promise<void>;
}

export interface GroupRequest<A extends Answer> {
  readonly ask: (record: GroupRecord, evidence: Evidence) => A;
  readonly dryRun: boolean;
  /** The node that the event is about. */
  readonly about?: (answer: A) => NodeId | undefined;
}

export interface RequestOutcome<A extends Answer> extends StoredRecord {
  readonly answer: Extract<A, { kind: 'accepted' }>;
}

export interface GroupDeciderDeps {
  readonly store: Store;
  readonly log: Logger;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Wall clock, epoch ms: for people only. */
  readonly wallClock: () => number;
  readonly lagMs: () => number;
}

const CALL = { timeoutMs: 5_000 };

/** More decisions than this in one run can only be two rules that undo each other. */
const DECISIONS_PER_RUN = 20;

/** How often a request is tried again when somebody else has changed the record. */
const ATTEMPTS = 5;

/** A node that was heard of later than this needs to be looked at between reports, ms. */
const FRESH_MS = 1_000;

export function createGroupDecider(start: StoredRecord, deps: GroupDeciderDeps): GroupDecider {
  const { store, log, now } = deps;
  const { formation, group } = start.record;
  const key = recordKey(formation, group);
  const book = createEvidenceBook(now);
  const queue = createSerialQueue();
  const listeners = new Set<(message: GroupMessage) => void>();
  const tell = (message: GroupMessage): void => {
    for (const listener of listeners) listener(message);
  };
  const events = createEventWriter({ store, log, wallClock: deps.wallClock, tell });
  let { record, version } = start;
  let states = statesOf(record, book);
  const unseen = new Set(record.nodes.map(({ id }) => id));
  /** The outcome of a write is not known: read before the next one. */
  let isStale = false;
  book.follow(undefined, record);

  const evidence = (): Evidence => book.evidence(record, deps.lagMs());

  /** Takes over a record that is in the store, with the events that came with it. */
  function accept(next: GroupRecord, nextVersion: number): void {
    const before = record;
    record = next;
    version = nextVersion;
    book.follow(before, next);
    tell({ kind: 'record', version, record });
  }

  /** Tells every change of a state name since the last time. */
  function tellStates(next: GroupRecord): readonly NewEvent[] {
    const known = states;
    states = statesOf(next, book);
    return stateEvents(next, known, states, unseen);
  }

  function tellRows(changed: readonly NewEvent[]): void {
    for (const { node_id: id } of changed) {
      const node = id === undefined ? undefined : findNode(record, id);
      if (node !== undefined) tell({ kind: 'state', node: viewNode(record, node, book) });
    }
  }

  async function reread(): Promise<void> {
    const stored = await store.get(key, CALL);
    if (stored === undefined) throw groupGone(formation, group);
    isStale = false;
    if (stored.version !== version) accept(JSON.parse(stored.value) as GroupRecord, stored.version);
  }

  /** One swap on exactly the version that was read, with its events. false: somebody else was faster. */
  async function swap(next: GroupRecord, why: NewEvent): Promise<boolean> {
    const changed = stateEvents(next, states, statesOf(next, book), unseen);
    const expected = version;
    // The version that this swap will have is not known before it; an event names the record that it was read on.
    const notes = events.toNotes([why, ...changed], expected);
    isStale = true;
    const result = await store.swap(
      { changes: [{ key, expected, value: JSON.stringify(next) }], notes },
      CALL,
    );
    if (result.kind !== 'written') {
      await reread();
      return false;
    }
    isStale = false;
    accept(next, result.version);
    states = statesOf(record, book);
    tellRows(changed);
    events.tellWritten(notes, result.noteIds);
    return true;
  }

  /** Lets `decide` speak until it is silent. */
  async function settle(): Promise<void> {
    if (isStale) await reread();
    const rules: string[] = [];
    while (rules.length < DECISIONS_PER_RUN) {
      const inputs = evidence();
      const decision = decide(record, inputs);
      if (decision === undefined) return;
      rules.push(decision.rule);
      if (await swap(decision.next, decisionEvent(decision.next, decision, inputs))) {
        log.info({ formation, group, rule: decision.rule, term: record.term, version }, decision.because);
      }
    }
    const because = `decisions go round in circles: ${[...new Set(rules)].join(', ')}`;
    log.error({ formation, group, rules }, because);
    events.add(plainEvent('monitor', record, because), version);
  }

  /** A store that fails now is asked again at the next report or tick; what is known stays true meanwhile. */
  async function settleOrLog(): Promise<void> {
    try {
      await settle();
    } catch (error) {
      log.error({ formation, group, err: error }, 'no decision could be written');
    }
    const changed = tellStates(record);
    tellRows(changed);
    for (const event of changed) events.add(event, version);
    for (const id of unseen) if (book.reportOf(id) !== undefined) unseen.delete(id);
    await events.flush();
  }

  async function request<A extends Answer>({
    ask,
    dryRun,
    about,
  }: GroupRequest<A>): Promise<RequestOutcome<A>> {
    if (isStale) await reread();
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const answer = ask(record, evidence());
      if (answer.kind === 'refused') throw new BatonError(answer.code, answer.message, { hint: answer.hint });
      const accepted = answer as RequestOutcome<A>['answer'] & Accepted;
      if (dryRun || accepted.next === record) return { answer: accepted, record, version };
      const id = about?.(answer);
      const node = id === undefined ? undefined : (findNode(accepted.next, id) ?? findNode(record, id));
      if (!(await swap(accepted.next, plainEvent('operator', accepted.next, accepted.because, node))))
        continue;
      log.info({ formation, group, version }, accepted.because);
      const outcome = { answer: accepted, record, version };
      await settleOrLog();
      return outcome;
    }
    throw new BatonError(
      'BATON_GROUP_BUSY',
      `the record of group ${group} changed ${ATTEMPTS} times meanwhile`,
      {
        hint: 'Try again.',
      },
    );
  }

  function isDue(): boolean {
    if (record.nodes.length === 0) return false;
    if (isStale || record.intent !== null || events.hasUnwritten()) return true;
    return record.nodes.some(({ id }) => (book.reportAgeMs(id) ?? Infinity) > FRESH_MS);
  }

  return {
    current: () => ({ record, version }),
    takeReport: (report) =>
      queue.run(async () => {
        if (findNode(record, report.node) !== undefined && book.take(report, record)) await settleOrLog();
        return { record, version };
      }),
    request: (asked) => queue.run(() => request(asked)),
    tick() {
      if (queue.isIdle() && isDue()) void queue.run(settleOrLog);
    },
    evidence,
    view: () => viewNodes(record, book),
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => queue.close(),
  };
}

function groupGone(formation: string, group: number): BatonError {
  return new BatonError('BATON_FORMATION_NOT_FOUND', `group ${group} of formation "${formation}" is gone`);
}
