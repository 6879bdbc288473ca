import type { GroupAddress, MonitorClient } from '../api/client.ts';
import type { AcceptedBody, NodeView } from '../api/schemas.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import type { CliClock } from './cli-context.ts';
import type { Goal, Progression } from './change-goal.ts';
import { afterWatchEvent, withAnswer, type GroupState } from './group-state.ts';

export interface ChangeRequest {
  readonly client: MonitorClient;
  readonly address: GroupAddress;
  readonly clock: CliClock;
  /** How long to follow after the monitor has accepted, ms. */
  readonly waitMs: number;
  readonly goal: Goal;
  /** Asks the monitor; called once, when nothing that follows can be missed. */
  send(): Promise<AcceptedBody>;
  /** A node's states have changed. */
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

/** The push of the monitor is what is waited for; asking is for what a broken connection has swallowed, ms. */
const ASK_EVERY_MS = 1_000;

/**
 * Asks for a change and follows it until its goal is reached. Throws what the
 * monitor refuses; BATON_REFUSED when the change was taken back; and
 * BATON_GROUP_BUSY saying what is missing when the time is up.
 */
export async function followChange(request: ChangeRequest): Promise<FinishedChange> {
  const { client, address, clock } = request;
  const abort = new AbortController();
  const before = withAnswer(undefined, await client.getGroup(address));
  const finished = Promise.withResolvers<FinishedChange>();
  let state = before;
  let accepted: { readonly body: AcceptedBody; readonly atMs: number } | undefined;
  let tookOverMs: number | undefined;

  function look(): void {
    if (accepted === undefined) return;
    const { body, atMs } = accepted;
    const { reign } = state.record;
    if (tookOverMs === undefined && reign?.confirmed && reign.term !== before.record.reign?.term) {
      tookOverMs = clock.monotonicMs() - atMs;
    }
    const progression = request.goal(state, body.record_version);
    request.onProgress(progression);
    if (progression.kind === 'done') {
      finished.resolve({ accepted: body, state, tookOverMs, settledMs: clock.monotonicMs() - atMs });
    } else if (progression.kind === 'undone') {
      finished.reject(new BatonError('BATON_REFUSED', `it was not done: ${progression.because}`));
    }
  }

  function take(next: GroupState): void {
    for (const node of next.nodes) request.onState(node);
    state = next;
    look();
  }

  async function begin(): Promise<void> {
    const body = await request.send();
    accepted = { body, atMs: clock.monotonicMs() };
    setTimer(
      'deadline',
      setTimeout(() => finished.reject(notInTime(request, state, body)), request.waitMs),
    );
    setTimer(
      'asking',
      setInterval(() => void ask(), ASK_EVERY_MS),
    );
    look();
  }

  async function ask(): Promise<void> {
    try {
      take(withAnswer(state, await client.getGroup(address, { timeoutMs: 5 * ASK_EVERY_MS })));
    } catch (error) {
      // A monitor that restarts in between is asked again; the deadline ends it if it never comes back.
      if (toBatonError(error).code !== 'BATON_UNREACHABLE' && toBatonError(error).code !== 'BATON_TIMEOUT') {
        finished.reject(error);
      }
    }
  }

  async function watch(): Promise<void> {
    let begun = false;
    for await (const message of client.watchGroup(address, abort.signal)) {
      if (message.kind === 'connected' && !begun) {
        begun = true;
        // Not awaited here: the transitions that the request starts come in meanwhile.
        begin().catch(finished.reject);
      } else if (message.kind === 'disconnected') {
        if (!begun) throw message.error;
      } else take(afterWatchEvent(state, message));
    }
  }

  const timers = new Map<string, NodeJS.Timeout>();
  const setTimer = (name: string, timer: NodeJS.Timeout): void => void timers.set(name, timer);
  try {
    watch().catch(finished.reject);
    return await finished.promise;
  } finally {
    abort.abort();
    for (const timer of timers.values()) clearTimeout(timer);
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
