import { sleep } from '../../system/clock.ts';
import {
  connectToServer,
  type ClientIdentity,
  type ServerAddress,
  type WriterConnection,
} from './writer-connection.ts';

/** Inserts one row after the other, and remembers which of them were acknowledged. */
export interface RecordingWriter {
  /** Rows acknowledged so far. Their ids and times are in the same order. */
  count(): number;
  /** The ids of the rows acknowledged from the `from`-th on. */
  idsSince(from: number): readonly number[];
  /** The longest time between two acknowledgements from the `from`-th on, and from the last one until now, ms. */
  longestGapMs(from: number): number;
  /** Changes the pace; ms between an acknowledgement and the next insert. */
  setPause(pauseMs: number): void;
  /** Ends after the insert under way, and no later than its deadline. */
  stop(): Promise<void>;
}

export interface WriterOptions extends ClientIdentity {
  readonly servers: readonly ServerAddress[];
  readonly table: string;
  readonly pauseMs: number;
  /** Called after every acknowledgement with the time since the one before, ms. */
  readonly onAcknowledged?: (sinceLastMs: number) => void;
}

/** The way to one server. */
interface Door {
  /** The connection that is kept, or a new one if it is time to try; undefined when there is none. */
  open(): Promise<WriterConnection | undefined>;
  close(): void;
}

/** Between two rounds over all servers of which none takes writes, ms. */
const ROUND_PAUSE_MS = 10;
/** Between two attempts to connect to one server, ms: each makes it fork, and it may have to be promoted meanwhile. */
const RECONNECT_MS = 100;

/**
 * Writes as an application behind a connection pool does: it takes the first
 * server that is open for writing, stays there until that breaks, and then
 * asks them in turn again, over connections that it keeps. A row whose fate is unknown is never
 * tried again under the same id, and never counted as acknowledged.
 */
export function startRecordingWriter(options: WriterOptions): RecordingWriter {
  const ids: number[] = [];
  const times: number[] = [];
  const stopped = new AbortController();
  let pauseMs = options.pauseMs;
  let nextId = 1;

  function acknowledge(id: number): void {
    const now = performance.now();
    const sinceLastMs = now - (times.at(-1) ?? now);
    ids.push(id);
    times.push(now);
    options.onAcknowledged?.(sinceLastMs);
  }

  async function writeOn(connection: WriterConnection): Promise<void> {
    while (!stopped.signal.aborted) {
      const id = nextId++;
      if (!(await connection.insert(options.table, id))) return;
      acknowledge(id);
      await sleep(pauseMs, stopped.signal);
    }
  }

  async function run(): Promise<void> {
    const doors = options.servers.map((server) => createDoor(server, options));
    while (!stopped.signal.aborted) {
      for (const door of doors) {
        if (stopped.signal.aborted) break;
        const connection = await door.open();
        if (connection !== undefined && (await connection.isWritable())) await writeOn(connection);
      }
      await sleep(ROUND_PAUSE_MS, stopped.signal);
    }
    for (const door of doors) door.close();
  }

  const running = run();
  return {
    count: () => ids.length,
    idsSince: (from) => ids.slice(from),
    longestGapMs(from) {
      const ends = [...times.slice(Math.max(0, from - 1)), performance.now()];
      return ends
        .slice(1)
        .reduce((longest, time, index) => Math.max(longest, time - (ends[index] ?? time)), 0);
    },
    setPause: (ms) => (pauseMs = ms),
    async stop() {
      stopped.abort();
      await running;
    },
  };
}

function createDoor(server: ServerAddress, identity: ClientIdentity): Door {
  let kept: WriterConnection | undefined;
  let triedAtMs = -Infinity;
  return {
    async open() {
      if (kept?.isBroken === false) return kept;
      if (performance.now() - triedAtMs < RECONNECT_MS) return undefined;
      triedAtMs = performance.now();
      kept = await connectToServer(server, identity);
      return kept;
    },
    close: () => kept?.close(),
  };
}
