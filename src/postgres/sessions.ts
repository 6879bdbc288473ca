import { BatonError } from '../lib/baton-error.ts';
import type { TimeLimit } from '../system/clock.ts';
import { localHost, type Postmaster } from './postmaster.ts';
import { KEEPER_ROLE, type PostgresServerOptions, type ServerSecrets } from './server-options.ts';
import { openSession, sqlStateOf, type SqlSession } from './sql-session.ts';

/** The keeper's connections to its own server, over the Unix socket. */
export interface Sessions {
  /** The one that is held open; opened again when it has ended. */
  held(limit: TimeLimit): Promise<SqlSession>;
  /** undefined when none is open now. */
  heldNow(): SqlSession | undefined;
  /** A new one, for a commit that may wait long. The caller destroys it. */
  open(limit: TimeLimit): Promise<SqlSession>;
  /** A new one as the superuser. The caller destroys it. */
  superuser(limit: TimeLimit): Promise<SqlSession>;
  /** For the few things that need a superuser. Ends with the work. */
  asSuperuser<T>(limit: TimeLimit, work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** Ends the held session. */
  drop(): void;
}

/**
 * Refusals after which a superuser may still get in: the role is missing or
 * has another password (28…), all ordinary connections are taken (53300).
 */
const RETRY_AS_SUPERUSER = new Set(['28000', '28P01', '53300']);

/** What is needed of a server to connect to it from its own machine. */
export type SessionOptions = Pick<PostgresServerOptions, 'socketDirectory' | 'port' | 'username'> & {
  readonly secrets: Pick<ServerSecrets, 'keeperPassword'> | null;
};

export function createSessions(
  { options }: { readonly options: SessionOptions },
  findPostmaster: (limit: TimeLimit) => Promise<Postmaster | undefined>,
  onEnd: () => void,
): Sessions {
  let held: SqlSession | undefined;
  let opening: Promise<SqlSession> | undefined;

  const connect = async (
    role: 'keeper' | 'superuser',
    limit: TimeLimit,
    ended?: () => void,
  ): Promise<SqlSession> => {
    const postmaster = await findPostmaster(limit);
    if (!postmaster) throw new BatonError('BATON_NOT_RUNNING', 'PostgreSQL is not running');
    const target = {
      // What the running server says, not what is configured: the two differ until an adopted server is restarted.
      host: localHost(postmaster, options.socketDirectory),
      port: postmaster.port || options.port,
      user: role === 'keeper' ? KEEPER_ROLE : options.username,
      database: 'postgres',
      password: role === 'keeper' ? (options.secrets?.keeperPassword ?? null) : null,
      applicationName: KEEPER_ROLE,
    };
    return openSession(target, limit, ended);
  };

  const connectSomehow = async (limit: TimeLimit, ended?: () => void): Promise<SqlSession> => {
    try {
      return await connect('keeper', limit, ended);
    } catch (error) {
      if (!RETRY_AS_SUPERUSER.has(sqlStateOf(error) ?? '')) throw error;
      return connect('superuser', limit, ended).catch(() => Promise.reject(error));
    }
  };

  const openHeld = async (limit: TimeLimit): Promise<SqlSession> => {
    const session: SqlSession = await connectSomehow(limit, () => {
      // One that was dropped on purpose is no news.
      if (held !== session) return;
      held = undefined;
      onEnd();
    });
    held = session;
    return session;
  };

  return {
    heldNow: () => (held?.ended === false ? held : undefined),
    async held(limit) {
      if (held?.ended === false) return held;
      opening ??= openHeld(limit).finally(() => (opening = undefined));
      return opening;
    },
    open: (limit) => connectSomehow(limit),
    superuser: (limit) => connect('superuser', limit),
    async asSuperuser(limit, work) {
      const session = await connect('superuser', limit);
      try {
        return await work(session);
      } finally {
        session.destroy();
      }
    },
    drop() {
      const session = held;
      held = undefined;
      session?.destroy();
    },
  };
}
