import pg from 'pg';
import { BatonError } from '../lib/baton-error.ts';
import { startCountdown, timeoutError, type TimeLimit } from '../system/clock.ts';

/** One connection to a server. Ends for good when anything about it fails. */
export interface SqlSession {
  readonly backendPid: number;
  /** The role that it is connected as. */
  readonly user: string;
  /**
   * Throws BATON_POSTGRES_QUERY_FAILED, or BATON_TIMEOUT: the session has then
   * been given up. A statement with a name is planned once in a session.
   */
  query(text: string, values: readonly unknown[], limit: TimeLimit, name?: string): Promise<readonly Row[]>;
  readonly ended: boolean;
  /** Closes the socket at once. The backend notices when it next reads; a commit that waits goes on waiting. */
  destroy(): void;
}

export type Row = Readonly<Record<string, unknown>>;

export interface SessionTarget {
  /** A socket directory (absolute) or a host. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | null;
  readonly applicationName: string;
  readonly ssl?: pg.ClientConfig['ssl'];
  /** Speak the replication protocol. */
  readonly replication?: boolean;
}

/**
 * Settings that must not depend on what an administrator set for a role or a
 * database. Above all no statement may be cancelled by a time-out while its
 * commit waits for the standbys: PostgreSQL acknowledges it then.
 */
const SESSION_OPTIONS = [
  'statement_timeout=0',
  'lock_timeout=1000',
  'idle_in_transaction_session_timeout=0',
  'default_transaction_read_only=off',
  'synchronous_commit=local',
  'search_path=pg_catalog',
  'client_min_messages=warning',
]
  .map((option) => `-c ${option}`)
  .join(' ');

/**
 * Connects. `onEnd` is called once, when a connection that was established
 * ends. Throws BATON_UNREACHABLE, with the SQLSTATE to be had from
 * {@link sqlStateOf}, or BATON_TIMEOUT.
 */
export async function openSession(
  target: SessionTarget,
  limit: TimeLimit,
  onEnd: () => void = () => undefined,
): Promise<SqlSession> {
  const countdown = startCountdown(limit);
  // `replication` is not in the type declarations; pg passes it on to the server.
  const config: pg.ClientConfig & { replication?: string } = {
    host: target.host,
    port: target.port,
    user: target.user,
    database: target.database,
    // Not undefined: pg would look for a password in the user's own ~/.pgpass.
    password: target.password ?? '',
    application_name: target.applicationName,
    ssl: target.ssl ?? false,
    keepAlive: true,
    connectionTimeoutMillis: Math.max(1, Math.ceil(limit.timeoutMs)),
    ...(target.replication === true ? { replication: 'true' } : { options: SESSION_OPTIONS }),
  };
  const client = new pg.Client(config);
  let ended = false;
  let established = false;
  let turn: Promise<unknown> = Promise.resolve();
  const end = (): void => {
    if (ended) return;
    ended = true;
    if (established) onEnd();
  };
  // Without a listener an error of an idle connection would end the whole program.
  client.on('error', end);
  client.on('end', end);
  const destroy = (): void => {
    connectionOf(client)?.stream?.destroy();
    end();
  };
  let serverVersion = 0;
  connectionOf(client)?.on('parameterStatus', ({ parameterName, parameterValue }) => {
    if (parameterName === 'server_version') serverVersion = Number.parseInt(parameterValue, 10);
  });
  try {
    await client.connect();
  } catch (cause) {
    destroy();
    throw connectError(target, limit, cause);
  }

  const session: SqlSession = {
    user: target.user,
    backendPid: (client as unknown as { processID: number }).processID,
    get ended() {
      return ended;
    },
    destroy,
    query: async (text, values, queryLimit, name) => {
      if (ended) throw new BatonError('BATON_UNREACHABLE', 'the connection to PostgreSQL has ended');
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        reject(timeoutError('a query', queryLimit.timeoutMs));
        // Its answer may come at any time, so the connection can't be used for anything else.
        destroy();
      }, queryLimit.timeoutMs);
      try {
        const parameters = {
          ...(values.length > 0 && { values: [...values] }),
          ...(name !== undefined && { name }),
        };
        // One at a time: pg would queue them as well, with a warning, and will stop doing so.
        const answer = turn.then(() => client.query<Record<string, unknown>>({ text, ...parameters }));
        turn = answer.catch(() => undefined);
        return (await Promise.race([answer, late])).rows;
      } catch (cause) {
        throw queryError(cause);
      } finally {
        clearTimeout(timer);
      }
    },
  };
  if (target.replication !== true) await neutralise(session, serverVersion, countdown.remainingMs());
  established = true;
  return session;
}

/** Time-outs that not all versions have, and the first that has them: they can't stand in the start-up packet. */
const NEWER_TIMEOUTS = [
  ['idle_session_timeout', 14],
  ['transaction_timeout', 17],
] as const;

async function neutralise(session: SqlSession, serverVersion: number, timeoutMs: number): Promise<void> {
  const known = NEWER_TIMEOUTS.filter(([, since]) => serverVersion >= since);
  if (known.length === 0) return;
  const text = known.map(([name]) => `SET ${name} = 0`).join('; ');
  await session.query(text, [], { timeoutMs: Math.max(1, timeoutMs) });
}

/** The SQLSTATE of a failed query or of a refused connection; undefined when the server did not say one. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = error instanceof BatonError ? error.cause : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function connectError(target: SessionTarget, limit: TimeLimit, cause: unknown): BatonError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const what = `connecting to PostgreSQL at "${target.host}" port ${target.port}`;
  if (/timeout expired|timed out/i.test(message)) return timeoutError(what, limit.timeoutMs);
  return new BatonError('BATON_UNREACHABLE', `${what} as "${target.user}" failed`, {
    detail: message,
    cause,
  });
}

function queryError(cause: unknown): unknown {
  if (cause instanceof BatonError) return cause;
  const { message, detail } = cause as { message: string; detail?: string };
  return new BatonError('BATON_POSTGRES_QUERY_FAILED', `query failed: ${message}`, { detail, cause });
}

/** What the type declarations leave out. */
interface Connection {
  readonly stream?: { destroy(): void };
  on(
    event: 'parameterStatus',
    listener: (message: { readonly parameterName: string; readonly parameterValue: string }) => void,
  ): void;
}

function connectionOf(client: pg.Client): Connection | undefined {
  return (client as unknown as { connection?: Connection }).connection;
}
