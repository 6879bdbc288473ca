import { refused, type Accepted, type Answer } from '../src/core/answer.ts';
import { decide } from '../src/core/decide.ts';
import type { Evidence, Report } from '../src/core/evidence.ts';
import { findNode, type GroupRecord, type NodeId } from '../src/core/group-record.ts';
import { needsLease } from '../src/core/lease.ts';
import { isLeaseOfInterest } from '../src/core/liveness.ts';
import type { Contradiction } from '../src/core/record-home.ts';
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
import { TURN_MS, type Turn } from '../src/deciding/turn.ts';
import { checkDecision, checkRest } from './decision-rules.ts';
import { createHearing } from './hearing.ts';
import { checkRequest } from './membership-rules.ts';
import type { Mutable } from './mutable.ts';
import type { VirtualProcess } from './process.ts';
import { checkRecovery } from './recovery-checks.ts';
import type { StorePort } from './store-port.ts';
import { createVirtualCell, type Lost, type VirtualCell } from './virtual-cell.ts';
import type { StoredRecord, Unanswered, VirtualStore } from './virtual-store.ts';
import type { World } from './world.ts';

/** src/deciding/group-decider.ts over virtual time: the real `decide`, evidence book and roll call. */
export interface VirtualDecider {
  known(): StoredRecord;
  /** What the store has may be another version. */
  isUncertain(): boolean;
  /** It waits for an answer of the store. */
  readonly isBusy: boolean;
  /** To be called in each life of its process; the record is read first where it is not given. */
  begin(start?: StoredRecord): void;
  /** Does the task when the store has answered what was asked before. */
  whenFree(task: () => void): void;
  /** `journalled`: the record on the disk of the keeper. */
  takeReport(report: Report, journalled: GroupRecord | null): void;
  /** What another decider has of the store. */
  learn(stored: StoredRecord): void;
  observe(stored: StoredRecord): void;
  evidence(): Evidence;
  /** Why the store is not believed; undefined: it is. */
  contradiction(): Contradiction | undefined;
  /** Who reports, with the record of each: what `store recover` goes by. */
  callers(): readonly Caller[];
  request(ask: Ask, then: Then): void;
  recover(request: RecoveryRequest, then: Then): void;
}

export type Ask = (record: GroupRecord, evidence: Evidence) => Answer;
export type Then = (answer: Answer) => void;

export interface DeciderOptions {
  readonly world: World;
  readonly process: VirtualProcess;
  /** Only looked at by those who check: the decider has the port. */
  readonly store: VirtualStore;
  readonly port: StorePort;
  /** In the story. */
  readonly name: string;
  /** It has a record, and decides. */
  readonly onOpen: () => void;
  /** Told of each other record before anything else happens. */
  readonly onLearn: (stored: StoredRecord) => void;
  /** Where several decide for one group. */
  readonly turn?: Turn;
  /** The node of a decider that is in a keeper. */
  readonly own?: NodeId;
}

/** A tick is asked for at the latest after this time: a report or a swap may have come in between, ms. */
const LOOK_AGAIN_MS = 1_000;
/** How often a request is asked anew when somebody else has changed the record. */
const ATTEMPTS = 5;

export const NO_ANSWER: Answer = {
  kind: 'refused',
  code: 'BATON_GROUP_BUSY',
  message: 'the store does not answer',
  hint: 'Try again.',
};

export function createVirtualDecider(options: DeciderOptions): VirtualDecider {
  const { world, process, store, port, name } = options;
  const now = (): number => process.timeMs();
  const newBook = (): EvidenceBook => createEvidenceBook(now, options.own);
  let book = newBook();
  let rollCall: RollCall = createRollCall(now);
  let hearing = createHearing(now, options.own);
  let [isTicking, isRoundDue, isDraining, starts, beganMs] = [false, false, false, 0, 0];
  let tasks: (() => void)[] = [];
  /** Since when there is something to decide that others are to decide first. */
  let waiting: { readonly version: number; readonly sinceMs: number } | undefined;
  const cell: VirtualCell = createVirtualCell(port, store.stored, (before, stored) => {
    book.follow(before, stored.record);
    if (isRecovery(before, stored.record))
      for (const { report } of rollCall.callers()) book.take(report, stored.record);
    options.onLearn(stored);
  });

  /** What rests on a record that is over comes to nothing, and is no offence. */
  const isAbreast = (): boolean => cell.known.version === store.stored.version;

  const contradiction = (): Contradiction | undefined => rollCall.contradiction(cell.known);

  function evidence(): Evidence {
    const heard = book.evidence(cell.known.record, process.latenessMs(LAG_WINDOW_MS));
    const found = contradiction();
    return found === undefined ? heard : { ...heard, contradiction: found };
  }

  /** `listenedMs`: when the evidence was looked at; much may be heard while the store answers. */
  function withLease(then: (evidence: Evidence, listenedMs: number) => void): void {
    const seen = evidence();
    const listenedMs = hearing.forMs();
    const { record } = cell.known;
    if (!needsLease(record) || !isLeaseOfInterest(record, seen)) return then(seen, listenedMs);
    port.leaseTerm((answer) => {
      if ('kind' in answer) return lostRead(answer);
      then({ ...seen, lease: { term: answer.term, storeAgeMs: now() - beganMs } }, listenedMs);
    });
  }

  function free(): void {
    self.isBusy = false;
    // What a task leads to comes before the next one.
    if (isDraining) return;
    isDraining = true;
    while (tasks.length > 0 && !self.isBusy) tasks.shift()?.();
    isDraining = false;
  }

  function waitFor({ afterMs }: Unanswered, then: () => void): void {
    if (!process.isAlive) return;
    if (afterMs > 0) process.after(afterMs, then);
    else then();
  }

  const lostRead: Lost = (unanswered) => waitFor(unanswered, free);
  const lostSwap: Lost = (unanswered) => {
    world.trace(name, () => 'the store does not answer');
    waitFor(unanswered, settle);
  };

  /** Whether the nodes know better than the store, also after it was read anew. */
  function whenBelieved(then: () => void, otherwise: () => void, lost: Lost): void {
    if (contradiction() === undefined) return then();
    cell.read(() => {
      store.contradiction = contradiction();
      if (store.contradiction === undefined) then();
      else otherwise();
    }, lost);
  }

  function settle(): void {
    self.isBusy = true;
    cell.refresh(() => whenBelieved(letSpeak, free, lostRead), lostRead);
  }

  /** Lets `decide` speak until it is silent. */
  function letSpeak(): void {
    const rules: string[] = [];
    let overtaken = 0;
    const speak = (isSpeaking: boolean): void =>
      withLease((seen, listenedMs) => {
        const { record } = cell.known;
        const decision = decide(record, seen);
        if (decision === undefined) {
          waiting = undefined;
          if (isAbreast()) checkRest(world, record, seen);
          return free();
        }
        // Who has written may go on: the others have yet to read what it was.
        if (!isSpeaking && mustWait()) return free();
        if (isAbreast()) checkDecision({ world, before: record, decision, evidence: seen, listenedMs });
        world.count(`rule ${decision.rule}`);
        const why = `${decision.rule}: ${decision.because}`;
        swap(decision.next, why, decision.needsNoLease === true, lostSwap, (isWritten) => {
          if (isWritten) rules.push(decision.rule);
          else overtaken += 1;
          if (overtaken >= OVERTAKEN_PER_RUN) return free();
          if (rules.length <= DECISIONS_PER_RUN) return speak(isWritten);
          world.checkers.fail('I27 decisions never go round', rules.join(', '));
        });
      });
    speak(false);
  }

  function swap(
    next: GroupRecord,
    why: string,
    needsNoLease: boolean,
    lost: Lost,
    then: (isWritten: boolean) => void,
  ): void {
    const written = (isWritten: boolean): void => {
      if (!isWritten) world.count('swap conflict');
      then(isWritten);
    };
    cell.swap({ next, why, needsNoLease, writer: `${name} start ${starts}` }, written, lost);
  }

  /** Whether others are still to decide first what there is to decide now. */
  function mustWait(): boolean {
    const { record, version } = cell.known;
    const place = options.turn?.(record, book) ?? 0;
    if (place === 0) return false;
    if (waiting?.version !== version) waiting = { version, sinceMs: now() };
    return now() - waiting.sinceMs < place * TURN_MS;
  }

  /** Whatever comes in until the round begins is looked at in it. */
  function settleSoon(): void {
    if (isRoundDue) return;
    isRoundDue = true;
    self.whenFree(() => {
      isRoundDue = false;
      settle();
    });
  }

  function takeIn(news: () => void): void {
    const { known } = cell;
    news();
    if (cell.known !== known || cell.isUncertain) settleSoon();
  }

  /** How long time alone can't change a decision; the real one looks ten times a second whether it can. */
  const idleMs = (): number =>
    cell.isUncertain || waiting !== undefined ? 0 : dueInMs(cell.known.record, book);

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

  function open(stored: StoredRecord): void {
    cell.begin(stored);
    book = newBook();
    book.follow(undefined, stored.record);
    rollCall = createRollCall(now);
    hearing = createHearing(now, options.own);
    if (store.contradiction !== undefined)
      rollCall.remember(store.contradiction.node, store.contradiction.theirs);
    starts += 1;
    beganMs = now();
    awaitTick();
    options.onOpen();
    free();
  }

  /** It can say nothing before it has read the record. */
  function readFirst(): void {
    port.read((answer) => {
      if ('kind' in answer) waitFor(answer, readFirst);
      else open(answer);
    });
  }

  function askAnew(ask: Ask, then: Then, attempt: number): void {
    const { record } = cell.known;
    const answer = attempt > ATTEMPTS ? NO_ANSWER : ask(record, evidence());
    if (answer.kind === 'refused' || answer.next === record) {
      then(answer);
      return free();
    }
    if (isAbreast()) checkRequest(world, record, answer.next);
    put(answer, `request: ${answer.because}`, then, () => askAnew(ask, then, attempt + 1));
  }

  /** Writes what was accepted, and decides what follows. */
  function put(answer: Accepted, why: string, then: Then, overtaken: () => void): void {
    swap(answer.next, why, false, unheard(then, lostSwap), (isWritten) => {
      if (!isWritten) return overtaken();
      settle();
      then(answer);
    });
  }

  /** Whoever asked is told that nothing is known. */
  const unheard =
    (then: Then, lost: Lost): Lost =>
    (unanswered) => {
      then(NO_ANSWER);
      lost(unanswered);
    };

  const self: Mutable<VirtualDecider> = {
    known: () => cell.known,
    isUncertain: () => cell.isUncertain,
    isBusy: false,
    begin(start) {
      [isTicking, isRoundDue, tasks, waiting] = [false, false, [], undefined];
      self.isBusy = true;
      if (start === undefined) readFirst();
      else open(start);
    },
    whenFree(task) {
      if (self.isBusy) tasks.push(task);
      else task();
    },
    takeReport(report, journalled) {
      const { record } = cell.known;
      rollCall.take(report, journalled ?? undefined);
      if (findNode(record, report.node) === undefined || !book.take(report, record)) return;
      hearing.heard(report.node, record.settings.detectionMs);
      settleSoon();
    },
    learn(stored) {
      if (contradiction() === undefined) takeIn(() => cell.learn(stored));
    },
    observe: (stored) => takeIn(() => cell.observe(stored)),
    evidence,
    contradiction,
    callers: () => rollCall.callers(),
    request(ask, then) {
      if (self.isBusy) return then(NO_ANSWER);
      self.isBusy = true;
      const lost = unheard(then, lostRead);
      const disbelieved = (): void => {
        then(refused('BATON_REFUSED', 'the store is not believed', ''));
        free();
      };
      cell.refresh(() => whenBelieved(() => askAnew(ask, then, 1), disbelieved, lost), lost);
    },
    recover(request, then) {
      if (self.isBusy) return then(NO_ANSWER);
      self.isBusy = true;
      cell.refresh(
        () => {
          const callers = rollCall.callers();
          const answer = recoverGroup(cell.known, callers, request);
          if (answer.kind === 'refused') {
            then(answer);
            return free();
          }
          checkRecovery(world, callers, answer.next, request);
          const overtaken = (): void => {
            then(NO_ANSWER);
            free();
          };
          put(answer, answer.because, then, overtaken);
        },
        unheard(then, lostRead),
      );
    },
  };
  return self;
}

export function isRecovery(before: GroupRecord, next: GroupRecord): boolean {
  return before.home.incarnations.length !== next.home.incarnations.length;
}
