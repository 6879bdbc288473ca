import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_SETTINGS, findNode, type GroupRecord, type NodeId } from '../core/group-record.ts';
import { isAnswering } from '../core/absence.ts';
import type { Action, LocalView, Rest, Step } from '../core/action.ts';
import { needsLease } from '../core/lease.ts';
import { plan } from '../core/plan.ts';
import type { Readiness } from '../core/evidence.ts';
import { createLagMeter } from '../deciding/lag-meter.ts';
import { toBatonError, type BatonError } from '../lib/baton-error.ts';
import type { PostgresServer } from '../postgres/postgres-server.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createAlarm } from './alarm.ts';
import type { PassCrashPoint } from './crash-point.ts';
import { createEndGuard, type Seen } from './end-guard.ts';
import { executeAction, type ActionContext } from './execute-action.ts';
import type { Fencing } from './fencing.ts';
import type { GroupLink, GroupLinkOptions } from './group-link.ts';
import type { Journal } from './journal.ts';
import { BUSY_TICK_MS, pauseAtRest } from './look-pause.ts';
import { createRecordInbox } from './record-inbox.ts';
import {
  beginLeaseGrace,
  localView,
  newNodeState,
  noteLook,
  reportOfState,
  type NodeState,
} from './node-state.ts';

export type StopHow = 'fast' | 'immediate' | 'keeper_only';

export interface Keeper {
  /** Runs until `stop`; never throws: what goes wrong is logged, reported and tried again. */
  run(): Promise<void>;
  /** Ends the loop after the step under way; PostgreSQL is left alone, or stopped and the group told so. */
  stop(how: StopHow): Promise<void>;
  /** Resolves when the node was dropped from its group and has let go. */
  readonly dropped: Promise<void>;
}

export interface KeeperDependencies {
  readonly node: NodeId;
  readonly server: PostgresServer;
  readonly journal: Journal;
  /** Opens the line to those who decide; records that come in are handed to `onRecord`. */
  connect(onRecord: GroupLinkOptions['onRecord']): GroupLink;
  /** Whether this node can use the home that its group is to move to; undefined: no move is announced. */
  readiness(): Readiness | undefined;
  readonly fencing: Fencing;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly passCrashPoint: PassCrashPoint;
}

/** For how long after a change the keeper expects more of them, ms. */
const BUSY_FOR_MS = 10_000;
/** A step that failed is tried again after this time, doubled each time up to the second figure, ms. */
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 10_000;
const OBSERVE = { timeoutMs: 2_000 };
/** How long a keeper that starts waits for the present record before it acts on the one of its journal, ms. */
const FIRST_RECORD_MS = 2_000;
/** For how long a keeper that stood still remembers it, ms. */
const LAG_WINDOW_MS = 2_000;
/** A loop that has failed looks again after this time: its disk may have room by then, ms. */
const LOOP_RETRY_MS = 1_000;
/** A journal that has not taken a record for so long is waited for no longer where PostgreSQL is to be stopped, ms. */
const JOURNAL_HANGS_MS = 500;
const SHUT_DOWN = { timeoutMs: 60_000 };

/**
 * The loop of a node: observe, report, plan, act, and again. It keeps no
 * position in a procedure: every step is planned anew from the record and
 * what is seen, so that it can be killed and started at any moment.
 */
export async function createKeeper(deps: KeeperDependencies): Promise<Keeper> {
  const { node, server, journal, fencing, log, nowMs } = deps;
  const state: NodeState = newNodeState(await server.observe(OBSERVE), journal.entry, nowMs());
  const alarm = createAlarm();
  const lag = createLagMeter({ everyMs: heartbeatMs, windowMs: LAG_WINDOW_MS, nowMs: nowMs() });
  // The wall clock, so that it grows also where the journal was lost; it is only ever compared with its own past.
  const session = Math.max(journal.entry.session + 1, Date.now());
  await journal.write({ session });
  const left = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let sequence = 0;
  let stopping = false;
  let busyUntilMs = nowMs() + BUSY_FOR_MS;
  let lastReported = '';
  let failure: { readonly action: string; readonly retryMs: number } | undefined;
  let loopFailure: string | undefined;
  let lastStep = '';
  const inbox = createRecordInbox({
    node,
    present: () => ({ version: state.recordVersion, record: state.record }),
    nowMs,
  });

  function report(): void {
    const content = reportOfState(node, state, journal.durable, nowMs());
    lastReported = essence(content);
    link.send({ ...content, session, sequence: (sequence += 1) });
  }

  /** Something has changed that the decider or the next step may depend on: look closely for a while. */
  function stir(): void {
    busyUntilMs = nowMs() + BUSY_FOR_MS;
    alarm.ring();
  }

  const context: ActionContext = {
    node,
    server,
    journal,
    state,
    log,
    passCrashPoint: deps.passCrashPoint,
    wake: stir,
    report,
  };

  /**
   * Makes a record that has come in the one that is acted on, once it is on
   * disk: a keeper that acted on it, was killed, and came back without the
   * store must not fall back to an older one, whose rule may be weaker.
   */
  async function adoptRecord(): Promise<void> {
    const taken = await inbox.take(({ version, record }) =>
      journal.write({ record, recordVersion: version }),
    );
    if (taken === undefined) {
      // A write has failed, for a full disk perhaps: what it was to keep is neither on disk nor told.
      if (journal.durable !== journal.entry) await journal.write({});
      return;
    }
    const { version, record } = taken;
    if (intentKey(record) !== intentKey(state.record)) state.intentSeenAtMs = nowMs();
    if (record.reign?.term !== state.record?.reign?.term) state.quorumSeenAtMs = nowMs();
    const neededLease = state.record !== null && needsLease(state.record);
    if (needsLease(record) && !neededLease) beginLeaseGrace(state, record, nowMs());
    state.record = record;
    state.recordVersion = version;
  }

  async function observe(): Promise<void> {
    const beganMs = nowMs();
    const observation = await server.observe(OBSERVE);
    const now = nowMs();
    noteLook(state, observation, { beganMs, endedMs: now, ...OBSERVE });
    state.unfit = fencing.unfit();
    state.readiness = deps.readiness();
    state.fencingProblem = fencing.problem();
    if (observation.isUnguarded) state.configured = null;
    if (essence(reportOfState(node, state, journal.durable, now)) !== lastReported) {
      busyUntilMs = now + BUSY_FOR_MS;
      report();
    }
  }

  function nextStep(): Step | Rest {
    if (state.record === null)
      return { action: null, because: 'the record of the group has not come in yet' };
    // The journal's record may be hours old: a clone from a primary of then would be for nothing.
    if (!link.hasHeard() && link.silentMs() < FIRST_RECORD_MS) {
      return { action: null, because: 'waiting for the monitor' };
    }
    const local = present(state.record);
    fencing.see(state.record, local);
    return plan(state.record, local);
  }

  function present({ reign }: GroupRecord): LocalView {
    const now = nowMs();
    return localView(node, state, journal.entry, {
      nowMs: now,
      storeSilentMs: link.silentMs(),
      keeperLagMs: lag.lagMs(now),
      leasedUntilMs: reign === null ? -Infinity : link.leasedUntilMs(reign.term),
    });
  }

  async function act({ action, because }: Step): Promise<void> {
    announce(action.kind, because);
    state.activity = activityOf(action);
    const beganMs = nowMs();
    try {
      await executeAction(action, context);
      log.debug({ action: action.kind, tookMs: Math.round(nowMs() - beganMs) }, 'done');
      failure = undefined;
      state.problem = null;
    } catch (thrown) {
      await onFailure(action, thrown);
    } finally {
      state.activity = null;
      busyUntilMs = nowMs() + BUSY_FOR_MS;
    }
  }

  async function onFailure(action: Action, thrown: unknown): Promise<void> {
    const error = toBatonError(thrown);
    const again = failure?.action === action.kind;
    failure = {
      action: action.kind,
      retryMs: again ? Math.min(failure!.retryMs * 2, RETRY_MAX_MS) : RETRY_MIN_MS,
    };
    state.problem = inWords(error);
    log.error({ err: error, action: action.kind, retryMs: failure.retryMs }, `${action.kind} failed`);
    report();
    await alarm.wait(failure.retryMs);
  }

  /** A disk under the journal that is full, for one: without a journal no step may be taken. */
  async function onLoopFailure(thrown: unknown): Promise<void> {
    const error = toBatonError(thrown);
    state.problem = inWords(error);
    // It is tried again and again, and said once.
    if (state.problem !== loopFailure) log.error({ err: error }, 'the loop of the keeper failed and goes on');
    loopFailure = state.problem;
    report();
    await alarm.wait(LOOP_RETRY_MS);
  }

  function announce(kind: string, because: string): void {
    const text = `${kind}: ${because}`;
    // A step that is tried again and again is said once.
    if (text !== lastStep) log.info({ action: kind }, because);
    lastStep = text;
  }

  async function idle(rest: Rest): Promise<void> {
    if (rest.because !== null && rest.because !== lastStep) {
      log.info(rest.because);
    }
    lastStep = rest.because ?? '';
    if (hasLeft(node, state)) left.resolve();
    const pauseMs = pauseAtRest(state.observation, heartbeatMs());
    await alarm.wait(nowMs() < busyUntilMs ? BUSY_TICK_MS : pauseMs);
  }

  function heartbeatMs(): number {
    return (state.record?.settings ?? DEFAULT_SETTINGS).heartbeatMs;
  }

  /** Beside the loop: a step that takes long must not look like a keeper that is gone. */
  async function beat(): Promise<void> {
    while (!stopping) {
      lag.tick(nowMs());
      await sleep(heartbeatMs(), undefined, { ref: false });
      if (!stopping) report();
    }
  }

  const see = (record: GroupRecord | null | undefined): Seen | undefined =>
    record == null ? undefined : { record, local: present(record) };
  /** Beside the loop: a step that takes long, or a journal that hangs, must not keep a server open. */
  const endGuard = createEndGuard({
    server,
    log,
    now: () => see(state.record),
    unwritten: () =>
      see(inbox.waitingFor(JOURNAL_HANGS_MS) ?? (loopFailure === undefined ? undefined : state.record)),
    onEnded: stir,
  });

  server.onChange(stir);
  const link = deps.connect((version, record) => {
    if (inbox.offer({ version, record })) stir();
  });

  return {
    dropped: left.promise,
    async run() {
      void beat();
      void endGuard.run();
      while (!stopping) {
        try {
          await Promise.all([adoptRecord(), observe()]);
          if (loopFailure !== undefined) state.problem = null;
          loopFailure = undefined;
          const step = nextStep();
          if (step.action === null) await idle(step);
          else await act(step);
        } catch (error) {
          // A keeper that ended because of it would leave its node alone.
          await onLoopFailure(error);
        }
      }
      ended.resolve();
    },
    async stop(how) {
      stopping = true;
      endGuard.stop();
      alarm.ring();
      await ended.promise;
      if (how !== 'keeper_only') {
        state.activity = 'shutting down';
        report();
        fencing.release();
        await server.stop(how, SHUT_DOWN);
        // Told at once, the group need not wait until the silence is long enough.
        state.observation = await server.observe(OBSERVE);
        report();
      }
      fencing.close();
      await link.close();
    },
  };
}

/** What of a report is worth sending at once; positions move all the time and can wait for the heartbeat. */
function essence(content: ReturnType<typeof reportOfState>): string {
  const { postgres, recordVersion: _version, recordOrigin: _origin, unansweredMs: _age, ...rest } = content;
  const { position, upstream, followers, ...server } = postgres;
  return JSON.stringify({
    ...rest,
    ...server,
    timeline: position?.timeline,
    upstream: upstream === null ? null : { term: upstream.term, host: upstream.host, port: upstream.port },
    followers: followers.map(({ flushLsn: _flushed, replayLsn: _replayed, silentMs, ...follower }) => ({
      ...follower,
      answers: isAnswering({ silentMs }),
    })),
  });
}

function intentKey(record: GroupRecord | null): string {
  const intent = record?.intent;
  return intent == null ? '' : `${intent.term} ${intent.stage}`;
}

/** The group does not know this node any more, and its PostgreSQL is down. */
function hasLeft(node: NodeId, { record, observation }: NodeState): boolean {
  return record !== null && observation.role === null && findNode(record, node) === undefined;
}

function inWords({ message, detail, hint }: BatonError): string {
  return [message, detail, hint].filter((part) => part !== undefined).join(' ');
}

function activityOf(action: Action): string {
  return action.kind.replaceAll('_', ' ');
}
