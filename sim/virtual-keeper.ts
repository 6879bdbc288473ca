import type { Report } from '../src/core/evidence.ts';
import { DEFAULT_SETTINGS, type GroupRecord, type NodeId } from '../src/core/group-record.ts';
import type { LocalView, Rest, Step } from '../src/core/action.ts';
import { mustEndForLease } from '../src/core/be-primary.ts';
import { needsLease } from '../src/core/lease.ts';
import { plan } from '../src/core/plan.ts';
import { createLagMeter } from '../src/deciding/lag-meter.ts';
import type { JournalEntry } from '../src/keeper/journal.ts';
import { BUSY_TICK_MS, pauseAtRest } from '../src/keeper/look-pause.ts';
import {
  beginLeaseGrace,
  localView,
  newNodeState,
  noteLook,
  reportOfState,
  type NodeState,
} from '../src/keeper/node-state.ts';
import { checkAction } from './action-rules.ts';
import { executeAction } from './keeper-actions.ts';
import type { Mutable } from './mutable.ts';
import { StepFailed, type ActionContext, type Pause, type Steps } from './steps.ts';
import { createLeaseWatch, createVirtualFencer } from './lease-ends.ts';
import type { Home } from './home.ts';
import type { KeeperLink } from './keeper-link.ts';
import type { ServerObservation } from '../src/postgres/postgres-server.ts';
import { createObserver } from './observation.ts';
import { createProcess, type VirtualProcess } from './process.ts';
import { isSameEssence, type Content } from './same-essence.ts';
import { createUnwrittenWatch } from './unwritten-watch.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { StoredRecord } from './virtual-store.ts';
import type { World } from './world.ts';

/** The loop of src/keeper/keeper.ts over virtual time: observe, report, plan, act. */
export interface VirtualKeeper {
  readonly node: NodeId;
  readonly process: VirtualProcess;
  /** What is on disk. */
  readonly durable: JournalEntry;
  /** The state of the present life, for checkers and traces. */
  readonly state: NodeState | undefined;
  begin(): void;
  kill(): void;
}

export interface KeeperOptions {
  readonly node: NodeId;
  readonly server: VirtualPostgres;
  readonly home: Home;
  /** Asked at each crash point: whether the keeper dies there. */
  readonly diesHere: () => boolean;
  /** The keeper died at a crash point: something has to start it again. */
  readonly onDeath: () => void;
}

const BUSY_FOR_MS = 10_000;
const CLOSE_LOOK_FOR_MS = 1_500;
const LATER_TICK_MS = 250;
/** What a look at the server takes at rest. */
const LOOK_MS = 2;
const FIRST_RECORD_MS = 2_000;
const LAG_WINDOW_MS = 2_000;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 10_000;
const LOOP_RETRY_MS = 1_000;

const EMPTY_JOURNAL: JournalEntry = {
  schemaVersion: 1,
  record: null,
  recordVersion: 0,
  pledge: null,
  promotedTerm: null,
  servingTerm: null,
  restartsUsed: 0,
  session: 0,
  copyOf: null,
  followed: null,
};

export function createVirtualKeeper(world: World, options: KeeperOptions): VirtualKeeper {
  const { node, server, home } = options;
  const process = createProcess(world.clock, world.clockOf(node));
  let session = 0;
  let link: KeeperLink | undefined;
  const fencer = createVirtualFencer(world, node, server);

  /** As in src/keeper/journal.ts known at once and durable at some moment during the write: a kill leaves either the old or the new. */
  function* writeJournal(
    set: (entry: JournalEntry) => void,
    get: () => JournalEntry,
    change: Partial<JournalEntry>,
  ): Steps {
    const entry = { ...get(), ...change };
    set(entry);
    const takesMs = server.random.between(0.3, 4);
    while (server.diskHungUntilMs > world.clock.nowMs) yield 50;
    if (server.isDiskFull) {
      yield 0.1;
      throw new StepFailed('no space left on device');
    }
    process.after(takesMs * server.random.next(), () => {
      self.durable = entry;
    });
    yield takesMs;
  }

  function journalled(): StoredRecord | null {
    const { record, recordVersion: version } = self.durable;
    return record === null ? null : { record, version };
  }

  function begin(): void {
    process.begin();
    session += 1;
    const observe = createObserver(world, server, () => process.timeMs());
    const present = newNodeState(observe(), self.durable, process.timeMs());
    self.state = present;
    link?.close();
    link = home.connect({ node, process, journalled });
    runLife(present, link, observe);
  }

  function runLife(mine: NodeState, line: KeeperLink, observe: () => ServerObservation): void {
    const { life } = process;
    let entry = self.durable;
    let sequence = 0;
    let busyUntilMs = process.timeMs() + BUSY_FOR_MS;
    let lastReported: Content | undefined;
    let lastStep = '';
    let failure: { readonly action: string; readonly retryMs: number } | undefined;
    let isRung = false;
    let wakeAlarm: (() => void) | undefined;
    let hasWaited = false;
    let hasLoopFailed = false;
    const lag = createLagMeter({ everyMs: heartbeatMs, windowMs: LAG_WINDOW_MS, nowMs: process.timeMs() });

    const tell = (content: Content): void => {
      lastReported = content;
      line.send({ ...content, session, sequence: (sequence += 1) } satisfies Report);
    };
    const report = (): void => tell(reportOfState(node, mine, self.durable, process.timeMs()));
    const stir = (): void => {
      busyUntilMs = process.timeMs() + BUSY_FOR_MS;
      isRung = true;
      wakeAlarm?.();
    };
    const context: ActionContext = {
      world,
      node,
      server,
      state: mine,
      journal: {
        get entry() {
          return entry;
        },
        write: (change) =>
          writeJournal(
            (next) => (entry = next),
            () => entry,
            change,
          ),
      },
      *passCrashPoint() {
        if (!options.diesHere()) return;
        world.trace(`n${node}`, () => 'the keeper dies at a crash point');
        kill();
        options.onDeath();
        yield 0;
      },
      nowMs: () => process.timeMs(),
      wake: stir,
      report,
    };

    const lease = createLeaseWatch(process, () => {
      if (mine.record === null || !mustEndForLease(mine.record, present(mine.record))) return;
      world.count('ended for want of a lease');
      world.trace(`n${node}`, () => 'the lease ends: PostgreSQL is ended');
      process.after(server.random.between(5, 50), () => server.kill(true));
    });
    if (mine.record !== null) lease.watch(mine.record);
    const unwritten = createUnwrittenWatch(world, {
      node,
      process,
      server,
      inbox: line.inbox,
      state: mine,
      hasLoopFailed: () => hasLoopFailed,
      present,
      onEnded: stir,
    });

    function* adoptRecord({ version, record }: StoredRecord): Steps {
      yield* context.journal.write({ record, recordVersion: version });
      line.inbox.written();
      if (intentKey(record) !== intentKey(mine.record)) mine.intentSeenAtMs = process.timeMs();
      if (record.reign?.term !== mine.record?.reign?.term) mine.quorumSeenAtMs = process.timeMs();
      const neededLease = mine.record !== null && needsLease(mine.record);
      if (needsLease(record) && !neededLease) beginLeaseGrace(mine, record, process.timeMs());
      lease.watch(record);
      mine.record = record;
      mine.recordVersion = version;
    }

    /** false: the journal can't be written, and the loop of the keeper has failed. */
    function* catchUp(newest: StoredRecord | undefined): Steps<boolean> {
      try {
        if (newest === undefined) yield* context.journal.write({});
        else yield* adoptRecord(newest);
        return true;
      } catch (thrown) {
        if (!(thrown instanceof StepFailed)) throw thrown;
        if (newest !== undefined) line.inbox.putBack(newest);
        return false;
      }
    }

    function look(): void {
      const nowMs = process.timeMs();
      noteLook(mine, observe(), { beganMs: nowMs, endedMs: nowMs, timeoutMs: 0 });
      const content = reportOfState(node, mine, self.durable, nowMs);
      if (isSameEssence(content, lastReported)) return;
      busyUntilMs = process.timeMs() + BUSY_FOR_MS;
      tell(content);
    }

    function nextStep(): Step | Rest {
      if (mine.record === null) return { action: null, because: 'the record has not come in yet' };
      if (!line.hasHeard() && line.silentMs() < FIRST_RECORD_MS)
        return { action: null, because: 'waiting for the monitor' };
      const local = present(mine.record);
      fencer.see(mine.record, local);
      return plan(mine.record, local);
    }

    function present({ reign }: GroupRecord): LocalView {
      const nowMs = process.timeMs();
      return localView(node, mine, entry, {
        nowMs,
        storeSilentMs: line.silentMs(),
        keeperLagMs: lag.lagMs(nowMs),
        leasedUntilMs: reign === null ? -Infinity : line.leasedUntilMs(reign.term),
      });
    }

    function* act(step: Step): Steps {
      const { action, because } = step;
      world.count(`action ${action.kind}`);
      checkAction(world, { node, action, state: mine, journal: entry, storeSilentMs: line.silentMs() });
      announce(`${action.kind}: ${because}`);
      try {
        yield* executeAction(action, context);
        failure = undefined;
      } catch (thrown) {
        if (!(thrown instanceof StepFailed)) throw thrown;
        const isAgain = failure?.action === action.kind;
        const retryMs = isAgain ? Math.min(failure!.retryMs * 2, RETRY_MAX_MS) : RETRY_MIN_MS;
        failure = { action: action.kind, retryMs };
        announce(`${action.kind} failed: ${thrown.message}`);
        report();
        yield { alarmMs: retryMs };
      }
      busyUntilMs = process.timeMs() + BUSY_FOR_MS;
    }

    function announce(text: string): void {
      if (text !== lastStep) world.trace(`n${node}`, () => text);
      lastStep = text;
    }

    /** After a while in which nothing has changed the simulated keeper looks less often than the real one: most such looks see nothing. */
    function pauseMs(): number {
      const leftMs = busyUntilMs - process.timeMs();
      if (leftMs <= 0) return pauseAtRest(mine.observation, heartbeatMs());
      return leftMs > BUSY_FOR_MS - CLOSE_LOOK_FOR_MS ? BUSY_TICK_MS : LATER_TICK_MS;
    }

    function heartbeatMs(): number {
      return (mine.record?.settings ?? DEFAULT_SETTINGS).heartbeatMs;
    }

    function* loop(): Steps {
      for (;;) {
        const newest = line.inbox.takeNewest({ record: mine.record, version: mine.recordVersion });
        const isBehind = newest !== undefined || entry !== self.durable;
        hasLoopFailed = isBehind && !(yield* catchUp(newest));
        if (hasLoopFailed) {
          unwritten.watch();
          look();
          yield { alarmMs: LOOP_RETRY_MS };
          continue;
        }
        // Rung or not, a look takes its time; where it was waited for anyway that is part of the wait.
        if (!hasWaited) yield server.random.between(0.5, 4);
        look();
        const next = nextStep();
        if (next.action !== null) {
          yield* act(next);
          hasWaited = false;
          continue;
        }
        announce(next.because ?? 'settled');
        hasWaited = true;
        yield { alarmMs: LOOK_MS + pauseMs() };
      }
    }

    function wait(pause: Pause, resume: () => void): void {
      if (typeof pause === 'number') return process.after(pause, resume);
      if (isRung) {
        isRung = false;
        hasWaited = false;
        return process.after(0, resume);
      }
      let isOver = false;
      const end = (): void => {
        if (isOver) return;
        isOver = true;
        wakeAlarm = undefined;
        isRung = false;
        resume();
      };
      wakeAlarm = () => {
        wakeAlarm = undefined;
        hasWaited = false;
        process.after(0, end);
      };
      process.after(pause.alarmMs, end);
    }

    const steps = loop();
    function resume(): void {
      const next = steps.next();
      if (next.done === true || process.life !== life) return;
      wait(next.value, resume);
    }

    function beat(): void {
      lag.tick(process.timeMs());
      report();
      process.after(heartbeatMs(), beat);
    }

    server.onChange = () => process.after(server.random.between(0.5, 4), stir);
    line.onRecord = () => {
      unwritten.watch();
      stir();
    };
    process.after(0, resume);
    process.after(heartbeatMs(), beat);
  }

  function kill(): void {
    link?.close();
    process.kill();
    self.state = undefined;
  }

  const self: Mutable<VirtualKeeper> = {
    node,
    process,
    durable: EMPTY_JOURNAL,
    state: undefined,
    begin,
    kill,
  };
  return self;
}

function intentKey(record: GroupRecord | null): string {
  const intent = record?.intent;
  return intent == null ? '' : `${intent.term} ${intent.stage}`;
}
