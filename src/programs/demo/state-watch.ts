import type { GroupAddress, MonitorClient } from '../../api/client.ts';
import type { EventBody, NodeView } from '../../api/schemas.ts';
import { sleep, startCountdown, timeoutError, type TimeLimit } from '../../system/clock.ts';

/** The rows of `show state`, kept up to date, and the events as they come in. */
export interface StateWatch {
  /**
   * Waits until the rows are as wanted, and returns them. Throws BATON_TIMEOUT
   * saying what was waited for and what the rows are, what `check` throws, and
   * the reason of the signal.
   */
  until(
    what: string,
    limit: TimeLimit,
    isReached: (rows: readonly NodeView[]) => boolean,
  ): Promise<readonly NodeView[]>;
  /** Called for every event from now on, until the next call. */
  onEvent(listener: (event: EventBody) => void): void;
  close(): Promise<void>;
}

export interface StateWatchOptions {
  readonly client: MonitorClient;
  readonly address: GroupAddress;
  readonly signal: AbortSignal;
  /** Throws when waiting has become pointless. */
  readonly check: () => void;
}

/** How often the monitor is asked beside the events that it sends, ms. */
const POLL_MS = 100;

export function watchStates({ client, address, signal, check }: StateWatchOptions): StateWatch {
  const closed = new AbortController();
  let listener: (event: EventBody) => void = () => undefined;
  let news = Promise.withResolvers<void>();

  async function follow(): Promise<void> {
    for await (const event of client.watchGroup(address, closed.signal)) {
      if (event.kind === 'event') listener(event.event);
      if (event.kind === 'state' || event.kind === 'record') {
        news.resolve();
        news = Promise.withResolvers();
      }
    }
  }
  const following = follow();

  /** A monitor that is being restarted is away for a moment; whether for too long is for the deadline to say. */
  async function fetchRows(): Promise<{ rows: readonly NodeView[] } | { error: unknown }> {
    try {
      const { nodes } = await client.getGroup(address, { timeoutMs: 5_000 });
      return { rows: nodes };
    } catch (error) {
      return { error };
    }
  }

  return {
    async until(what, limit, isReached) {
      const countdown = startCountdown(limit);
      for (;;) {
        signal.throwIfAborted();
        check();
        const changed = news.promise;
        const outcome = await fetchRows();
        if ('rows' in outcome && isReached(outcome.rows)) return outcome.rows;
        if (countdown.remainingMs() === 0) {
          throw 'rows' in outcome
            ? timeoutError(what, limit.timeoutMs, describe(outcome.rows))
            : outcome.error;
        }
        await Promise.race([changed, sleep(POLL_MS, signal)]);
      }
    },
    onEvent: (next) => (listener = next),
    async close() {
      closed.abort();
      await following;
    },
  };
}

/** Whether the group is whole: one primary, all others fit to take over, and nobody on the way to somewhere else. */
export function isWhole(rows: readonly NodeView[], count: number): boolean {
  const settled = rows.filter((row) => row.reported_state === row.assigned_state);
  const primaries = settled.filter((row) => row.reported_state === 'primary');
  const secondaries = settled.filter((row) => row.reported_state === 'secondary');
  return rows.length === count && primaries.length === 1 && secondaries.length === count - 1;
}

function describe(rows: readonly NodeView[]): string {
  const sentences = rows.map(
    (row) =>
      `${row.name} is ${row.reported_state} and assigned ${row.assigned_state}${row.problem === null ? '' : ` (${row.problem})`}.`,
  );
  return sentences.join(' ');
}
