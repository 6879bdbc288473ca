import { sameSwitches } from '../src/core/lineage.ts';
import type { Clock } from './clock.ts';
import type { Timeline, WalRecord } from './wal.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';

export interface Violation {
  /** The number and the words of docs/invariants.md. */
  readonly invariant: string;
  readonly detail: string;
  readonly atMs: number;
}

/** Looks on: every rule that must hold whatever happens, checked as it happens. */
export interface Checkers {
  /** A server tells a client that its commit is safe. */
  acknowledged(server: VirtualPostgres, record: WalRecord): void;
  /** A client of an open primary could see everything up to this record. */
  observed(server: VirtualPostgres, record: WalRecord): void;
  promoted(server: VirtualPostgres, timeline: Timeline): void;
  /** A person accepted that commits may be lost: from then on only what is acknowledged later counts. */
  acceptLoss(): void;
  /** What was acknowledged last: what contains it contains every acknowledged commit. */
  readonly lastAcknowledged: WalRecord | undefined;
  fail(invariant: string, detail: string): void;
  readonly isOver: boolean;
  readonly isLossAccepted: boolean;
  readonly violation: Violation | undefined;
  readonly acknowledgedCount: number;
}

/**
 * All acknowledged commits must lie on one line of history. The last of them
 * stands for all: a history that contains it contains what it stands on.
 */
interface Frontier {
  readonly record: WalRecord;
  /** A history that contains it; what lies before the record never changes there. */
  readonly wal: readonly WalRecord[];
}

export function createCheckers(clock: Clock): Checkers {
  const timelines = new Set<Timeline>();
  let violation: Violation | undefined;
  let frontier: Frontier | undefined;
  let acknowledgedCount = 0;
  let isLossAccepted = false;

  function fail(invariant: string, detail: string): void {
    if (violation !== undefined) return;
    violation = { invariant, detail, atMs: clock.nowMs };
    clock.stop();
  }

  /** Whether a record lies on the line of what was acknowledged before; if so, the line grows. */
  function extend(server: VirtualPostgres, record: WalRecord): boolean {
    const wal = server.data?.wal ?? [];
    if (frontier === undefined || record.index > frontier.record.index) {
      if (frontier !== undefined && wal[frontier.record.index] !== frontier.record) return false;
      frontier = { record, wal };
      return true;
    }
    return frontier.wal[record.index] === record;
  }

  function describe(record: WalRecord): string {
    return `${record.kind} ${record.value} at ${record.lsn} on timeline ${record.timeline.id}`;
  }

  return {
    get violation() {
      return violation;
    },
    get lastAcknowledged() {
      return isLossAccepted ? undefined : frontier?.record;
    },
    get acknowledgedCount() {
      return acknowledgedCount;
    },
    fail,
    get isLossAccepted() {
      return isLossAccepted;
    },
    get isOver() {
      return violation !== undefined;
    },
    acceptLoss() {
      isLossAccepted = true;
      frontier = undefined;
    },
    acknowledged(server, record) {
      acknowledgedCount += 1;
      if (isLossAccepted || extend(server, record)) return;
      fail(
        'I2 two terms never both acknowledge',
        `n${server.node} acknowledges ${describe(record)}, while ${describe(frontier!.record)} is acknowledged`,
      );
    },
    observed(server, record) {
      if (isLossAccepted || extend(server, record)) return;
      fail(
        'I13 nobody reads what is later rolled back',
        `n${server.node} shows ${describe(record)}, while ${describe(frontier!.record)} is acknowledged`,
      );
    },
    promoted(server, timeline) {
      const twin = [...timelines].find((each) => isTwin(each, timeline));
      timelines.add(timeline);
      if (twin !== undefined) {
        fail(
          'I10 a timeline number is given once',
          `n${server.node} begins timeline ${timeline.id}, which n${twin.begunBy} began before`,
        );
      }
      if (timeline.isByHand && server.settings?.upstream != null && server.isWritable())
        fail('I34 what is promoted by hand looks writable to nobody', `n${server.node} does`);
      if (timeline.isByHand || isLossAccepted || frontier === undefined) return;
      // An elected node that has not heard yet that its term is over acknowledges nothing.
      if (timeline.id < frontier.record.timeline.id) return;
      if (server.data?.wal[frontier.record.index] === frontier.record) return;
      fail(
        'I1 an acknowledged commit is in the history of every later primary',
        `n${server.node} is promoted to timeline ${timeline.id} without ${describe(frontier.record)}`,
      );
    },
  };
}

/** Whether the group gave a number twice, or a person and the group made two histories that nobody can tell apart. */
function isTwin(a: Timeline, b: Timeline): boolean {
  if (a.id !== b.id || (a.isByHand && b.isByHand)) return false;
  return a.isByHand === b.isByHand || sameSwitches(a.history, b.history);
}
