import { parseStandbyTag } from '../src/core/application-name.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import { sameSwitches } from '../src/core/lineage.ts';
import type { Clock } from './clock.ts';
import type { Mutable } from './mutable.ts';
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
  /** A rewind or a copy puts this WAL in the place of what a server has. */
  replaced(server: VirtualPostgres, by: readonly WalRecord[]): void;
  /** A person accepted that commits may be lost: from then on only what is acknowledged later counts. */
  acceptLoss(): void;
  /** What was acknowledged last: what contains it contains every acknowledged commit. */
  lastAcknowledged(): WalRecord | undefined;
  /** What was decided last, also while the store that it stood in is lost; undefined before there is a group. */
  decided: () => GroupRecord | undefined;
  /** When the present reign began. */
  reignBeganMs: number;
  /** When a new leader of etcd last gave leases their whole time anew. */
  leaseRefreshedMs: number;
  /** The highest term that a node has durably promised. */
  promisedBy: (node: NodeId) => number;
  /** Commits wait for nobody: some may be lost in a failover that rests on the end of a lease, and in nothing else. */
  isAsync: boolean;
  fail(invariant: string, detail: string): void;
  readonly isOver: boolean;
  readonly isLossAccepted: boolean;
  readonly violation: Violation | undefined;
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

export function createCheckers(clock: Clock, servers: ReadonlyMap<NodeId, VirtualPostgres>): Checkers {
  const timelines = new Set<Timeline>();
  let frontier: Frontier | undefined;

  function fail(invariant: string, detail: string): void {
    if (self.isOver) return;
    self.violation = { invariant, detail, atMs: clock.nowMs };
    self.isOver = true;
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

  /** A flush counts for what is on the very disk that it was of; a disk that was lost meanwhile proves nothing. */
  function checkVotes(server: VirtualPostgres, record: WalRecord): void {
    for (const { standby, tag, flushed } of server.senders) {
      if (flushed <= record.index || server.names?.tags.has(tag) !== true) continue;
      const data = servers.get(standby)?.data;
      const isGone = data == null || data.systemIdentifier !== server.data?.systemIdentifier;
      if (isGone || data.wal[record.index] === record) continue;
      fail('I9 who counts for a commit has it', `n${standby} counts for ${describe(record)}`);
    }
  }

  /** Before the next primary can acknowledge, and not only when a client happens to write to the old one. */
  function checkOthersClosed({ node }: VirtualPostgres): void {
    const open = [...servers.values()].find(
      (each) =>
        each.node !== node &&
        each.status === 'running' &&
        each.role === 'primary' &&
        each.names?.text === '' &&
        each.effective?.locked === false,
    );
    if (open === undefined) return;
    fail('I3 an async primary is closed before its successor begins', `n${open.node} beside n${node}`);
  }

  function checkHand(server: VirtualPostgres, { timeline }: WalRecord): void {
    const reign = self.decided()?.reign;
    if (!timeline.isByHand || self.isLossAccepted) return;
    // The holder itself goes on in its own reign: its voters follow it there.
    if (reign?.holder === server.node) return;
    const text = `n${server.node} acknowledges on timeline ${timeline.id}`;
    fail('I34 what is promoted by hand acknowledges nothing', text);
  }

  /** Else its pledge would not tell all that it has. Whom it waits for tells the term that it acknowledges in. */
  function checkPromise({ node, names }: VirtualPostgres): void {
    const promised = self.promisedBy(node);
    const terms = [...(names?.tags ?? [])].map((tag) => parseStandbyTag(tag)?.term ?? 0);
    if (self.isLossAccepted || terms.every((term) => term >= promised)) return;
    const text = `n${node} has promised term ${promised} and waits for ${names?.text}`;
    fail('I8 who has promised a term acknowledges nothing for an older one', text);
  }

  /** What the reign may lack that began on a timeline without the pledge of the one before. */
  function rewindFrontier(server: VirtualPostgres, timeline: Timeline): void {
    const decided = self.decided();
    const reigns = [decided?.reign, ...(decided?.pastReigns ?? [])];
    const reign = reigns.find((each) => each?.timeline === timeline.id);
    if (!self.isAsync || frontier === undefined || reign?.fencedBy !== 'lease') return;
    const wal = server.data?.wal ?? [];
    const common = commonPart(wal, frontier.wal.slice(0, frontier.record.index + 1));
    frontier = common === undefined ? undefined : { record: common, wal };
  }

  const self: Mutable<Checkers> = {
    isAsync: false,
    decided: () => undefined,
    reignBeganMs: 0,
    leaseRefreshedMs: -Infinity,
    promisedBy: () => 0,
    violation: undefined,
    isOver: false,
    isLossAccepted: false,
    lastAcknowledged: () => frontier?.record,
    fail,
    acceptLoss() {
      self.isLossAccepted = true;
      frontier = undefined;
    },
    acknowledged(server, record) {
      checkVotes(server, record);
      checkHand(server, record);
      checkPromise(server);
      if (self.isAsync && [...timelines].some((each) => !each.isByHand && each.id > record.timeline.id)) {
        const text = `n${server.node} acknowledges ${describe(record)}, and a later reign has begun`;
        return fail('I3 an async primary acknowledges nothing beside its successor', text);
      }
      if (self.isLossAccepted || extend(server, record)) return;
      fail(
        'I2 two terms never both acknowledge',
        `n${server.node} acknowledges ${describe(record)}, while ${describe(frontier!.record)} is acknowledged`,
      );
    },
    observed(server, record) {
      const decided = self.decided();
      const newest = server.data?.wal.at(-1)?.timeline;
      // A database that is not the group's shows nothing of the group, and what a person opens by hand is that person's.
      if (server.data?.systemIdentifier !== decided?.systemIdentifier) return;
      // The holder goes on there: what it shows from before that, a crash may have left there unacknowledged.
      const isHoldersOwn = decided?.reign?.holder === server.node && record.timeline === newest;
      if (newest?.isByHand === true && !isHoldersOwn) return;
      if (self.isLossAccepted || extend(server, record)) return;
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
      if (self.isAsync) checkOthersClosed(server);
      rewindFrontier(server, timeline);
      if (timeline.isByHand || self.isLossAccepted || frontier === undefined) return;
      // An elected node that has not heard yet that its term is over acknowledges nothing.
      if (timeline.id < frontier.record.timeline.id) return;
      if (server.data?.wal[frontier.record.index] === frontier.record) return;
      fail(
        'I1 an acknowledged commit is in the history of every later primary',
        `n${server.node} is promoted to timeline ${timeline.id} without ${describe(frontier.record)}`,
      );
    },
    replaced(server, by) {
      const last = self.lastAcknowledged();
      const holds = (wal: readonly WalRecord[] | undefined): boolean =>
        last !== undefined && wal?.[last.index] === last;
      if (last === undefined || !holds(server.data?.wal) || holds(by)) return;
      const isElsewhere = [...servers.values()].some((other) => other !== server && holds(other.data?.wal));
      if (isElsewhere) return;
      fail('I30 the last copy of a commit is not replaced', `n${server.node} alone has ${describe(last)}`);
    },
  };
  return self;
}

/** The last record that two histories share. */
function commonPart(a: readonly WalRecord[], b: readonly WalRecord[]): WalRecord | undefined {
  let index = Math.min(a.length, b.length) - 1;
  while (index >= 0 && a[index] !== b[index]) index -= 1;
  return a[index];
}

/** Whether the group gave a number twice, or a person and the group made two histories that nobody can tell apart. */
function isTwin(a: Timeline, b: Timeline): boolean {
  if (a.id !== b.id || (a.isByHand && b.isByHand)) return false;
  return a.isByHand === b.isByHand || sameSwitches(a.history, b.history);
}
