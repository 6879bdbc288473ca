import { sleep } from '../../../src/system/clock.ts';
import { openSession, type ClientSession, type Server } from './client-session.ts';

const ASK_EVERY_MS = 20;
/** Each attempt makes the server fork, and it may have to be promoted meanwhile. */
const RECONNECT_EVERY_MS = 100;
const LIMITS = { connectMs: 500, queryMs: 2_000 };

/** The way to one server: a session that is kept while it answers. */
interface Door {
  /** A session that may write; undefined when the server is not there, or does not let it. */
  writable(): Promise<ClientSession | undefined>;
  close(): void;
}

/** Finds whoever accepts writes, by the question of libpq's `target_session_attrs=read-write`. */
export interface PrimaryFinder {
  /** Asks all servers at once, again and again; undefined when it was aborted. */
  find(): Promise<ClientSession | undefined>;
  close(): void;
}

/**
 * As libpq does with a connection string of several hosts, but for the order:
 * one that is dark must not hold up the question to the others, or the write
 * gap would be that of the client.
 */
export function createPrimaryFinder(servers: readonly Server[], signal: AbortSignal): PrimaryFinder {
  const doors = servers.map(createDoor);
  return {
    find() {
      const found = Promise.withResolvers<ClientSession | undefined>();
      const search = new AbortController();
      const settle = (session: ClientSession | undefined): void => {
        search.abort();
        found.resolve(session);
      };
      if (signal.aborted) settle(undefined);
      signal.addEventListener('abort', () => settle(undefined), { once: true });
      for (const door of doors) void ask(door, search.signal, settle);
      return found.promise;
    },
    close() {
      for (const door of doors) door.close();
    },
  };
}

async function ask(door: Door, over: AbortSignal, settle: (session: ClientSession) => void): Promise<void> {
  while (!over.aborted) {
    const session = await door.writable();
    if (session !== undefined) return settle(session);
    await sleep(ASK_EVERY_MS, over);
  }
}

function createDoor(server: Server): Door {
  let kept: ClientSession | undefined;
  let triedAtMs = -Infinity;
  let asking: Promise<ClientSession | undefined> | undefined;

  async function open(): Promise<ClientSession | undefined> {
    if (kept?.isBroken === false) return kept;
    if (performance.now() - triedAtMs < RECONNECT_EVERY_MS) return undefined;
    triedAtMs = performance.now();
    kept = await openSession(server, LIMITS).catch(() => undefined);
    return kept;
  }

  async function look(): Promise<ClientSession | undefined> {
    const session = await open();
    // Cut off or shut out, it is asked again over a new session.
    const rows = await session
      ?.query<{ transaction_read_only: string }>('show transaction_read_only')
      .catch(() => []);
    return rows?.[0]?.transaction_read_only === 'off' ? session : undefined;
  }

  return {
    // The question of an earlier search may still wait for its answer.
    writable: () => (asking ??= look().finally(() => (asking = undefined))),
    close: () => kept?.close(),
  };
}
