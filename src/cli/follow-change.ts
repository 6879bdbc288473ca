import type { GroupAddress, MonitorClient } from '../api/client.ts';
import type { WatchEvent } from '../api/group-watch.ts';
import type { AcceptedBody, GroupBody, NodeView } from '../api/schemas.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import type { CliClock } from './cli-context.ts';
import type { Goal, Progression } from './change-goal.ts';
import { afterWatchEvent, withAnswer, type GroupState } from './group-state.ts';

export interface ChangeRequest {
  readonly client: MonitorClient;
  readonly address: GroupAddress;
  readonly clock: CliClock;
  /** The group before the change. */
  readonly before: GroupBody;
  /** How long to follow after the monitor has accepted, ms. */
  readonly waitMs: number;
  readonly goal: Goal;
  /** Asks the monitor; called once, when nothing that follows can be missed. */
  send(): Promise<AcceptedBody>;
  /** The states of a node, again and again: a listener sees itself what is new. */
  onState(node: NodeView): void;
  /** How far it is, whenever something has changed. */
  onProgress(progression: Progression): void;
}

export interface FinishedChange {
  readonly accepted: AcceptedBody;
  readonly state: GroupState;
  /** From the acceptance to a new primary that serves clients, ms; undefined when the primary did not change. */
  readonly tookOverMs: number | undefined;
  readonly settledMs: number;
}

/** The rule of the core that takes a switchover back. */
const UNDO_RULE = 'undo_handover';

/** The push of the monitor is what is waited for; asking is for what a broken connection has swallowed, ms. */
const ASK_EVERY_MS = 1_000;

/**
 * Asks for a change and follows it until its goal is reached. Throws what the
 * monitor refuses; BATON_REFUSED when the change was taken back; and
 * BATON_GROUP_BUSY saying what is missing when the time is up.
 */
export async function followChange(request: ChangeRequest): Promise<FinishedChange> {
  const follower = createFollower(request);
  const abort = new AbortController();
  try {
    watch(request, follower, abort.signal).catch(follower.fail);
    return await follower.finished;
  } finally {
    abort.abort();
    follower.close();
  }
}

async function watch(request: ChangeRequest, follower: Follower, signal: AbortSignal): Promise<void> {
  let isBegun = false;
  for await (const message of request.client.watchGroup(request.address, signal)) {
    if (!isBegun && message.kind === 'disconnected') throw message.error;
    if (!isBegun && message.kind === 'connected') {
      isBegun = true;
      // Not awaited here: the transitions that the request starts come in meanwhile.
      request.send().then(follower.accept).catch(follower.fail);
    }
    follower.take(message);
  }
}

/** Puts together what the monitor tells, until the goal is reached. */
interface Follower {
  accept(this: void, body: AcceptedBody): void;
  take(this: void, message: WatchEvent): void;
  fail(this: void, error: unknown): void;
  readonly finished: Promise<FinishedChange>;
  close(this: void): void;
}

function createFollower(request: ChangeRequest): Follower {
  const { goal, clock } = request;
  const finished = Promise.withResolvers<FinishedChange>();
  const timers: NodeJS.Timeout[] = [];
  let state = withAnswer(undefined, request.before);
  let accepted: { readonly body: AcceptedBody; readonly atMs: number } | undefined;
  let tookOverMs: number | undefined;
  let isPushed = false;
  let isAsking = false;

  function tellStates(): void {
    for (const node of state.nodes) request.onState(node);
  }

  /** `isFresh`: the state is one answer of the monitor, and not put together from what it pushed. */
  function look(isFresh: boolean): void {
    if (accepted === undefined) return;
    const settledMs = clock.monotonicMs() - accepted.atMs;
    if (hasNewPrimary(request.before, state)) tookOverMs ??= settledMs;
    const progression = goal(state, accepted.body.record_version);
    request.onProgress(progression);
    if (progression.kind === 'undone') {
      void whyUndone(request, state, progression.because).then((because) =>
        finished.reject(new BatonError('BATON_REFUSED', `it was not done: ${because}`)),
      );
    } else if (progression.kind === 'done') {
      // Records and states are pushed one after the other: in between, all may seem to be at rest.
      if (!isFresh) return void ask();
      tellStates();
      finished.resolve({ accepted: accepted.body, state, tookOverMs, settledMs });
    }
  }

  async function ask(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    try {
      const next = withAnswer(state, await request.client.getGroup(request.address));
      const isFresh = next !== state;
      state = next;
      // An answer can be overtaken by a push, and would then tell of states that are over.
      if (!isPushed) tellStates();
      look(isFresh);
    } catch (error) {
      // A monitor that restarts in between is asked again; the deadline ends it if it never comes back.
      if (!isPassing(error)) finished.reject(error);
    } finally {
      isAsking = false;
    }
  }

  return {
    finished: finished.promise,
    fail: finished.reject,
    accept(body) {
      accepted = { body, atMs: clock.monotonicMs() };
      timers.push(setTimeout(() => finished.reject(notInTime(request, state, body)), request.waitMs));
      timers.push(setInterval(() => void ask(), ASK_EVERY_MS));
      look(false);
    },
    take(message) {
      isPushed = message.kind !== 'disconnected';
      state = afterWatchEvent(state, message);
      tellStates();
      look(false);
    },
    close() {
      // What is still under way has nobody to tell any more.
      accepted = undefined;
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function hasNewPrimary(before: GroupBody, { record }: GroupState): boolean {
  return record.reign?.confirmed === true && record.reign.term !== before.record.reign?.term;
}

function isPassing(error: unknown): boolean {
  const { code } = toBatonError(error);
  return code === 'BATON_UNREACHABLE' || code === 'BATON_TIMEOUT';
}

/** A record is pushed a moment before the event that explains it: what has not come in yet is asked for. */
async function whyUndone(
  { client, address }: ChangeRequest,
  { lastDecision }: GroupState,
  otherwise: string,
): Promise<string> {
  if (lastDecision?.rule === UNDO_RULE) return lastDecision.because;
  try {
    const events = await client.listEvents({ ...address, count: 10 }, { timeoutMs: ASK_EVERY_MS });
    const decision = events.findLast(({ kind }) => kind === 'decision');
    return decision?.rule === UNDO_RULE ? decision.because : otherwise;
  } catch {
    // It only serves to explain.
    return otherwise;
  }
}

function notInTime(request: ChangeRequest, state: GroupState, accepted: AcceptedBody): BatonError {
  const progression = request.goal(state, accepted.record_version);
  const missing = progression.kind === 'waiting' ? progression.missing : [];
  return new BatonError('BATON_GROUP_BUSY', `not done within ${request.waitMs / 1000} s`, {
    detail: `Missing: ${missing.join('; ')}.`,
    hint: 'It goes on without this command. "pgbaton show state" shows how far it is, "pgbaton why" what it waits for.',
  });
}
