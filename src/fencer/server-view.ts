import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPostmasterOf, parsePidFile, type Postmaster } from '../postgres/postmaster.ts';
import { createSessions } from '../postgres/sessions.ts';
import { sqlStateOf } from '../postgres/sql-session.ts';
import { withTimeLimit, type TimeLimit } from '../system/clock.ts';
import type { LocalAccess } from './fencer-protocol.ts';
import type { ServerLook } from './fencer.ts';

const LOOK = { timeoutMs: 2_000 };

/** It starts or shuts down: a shutdown that writes much must not be made a crash. */
const NOT_NOW = '57P03';

const STREAMING = `SELECT pg_is_in_recovery() AS in_recovery,
  ARRAY(SELECT application_name FROM pg_stat_replication WHERE state = 'streaming') AS names`;

/** The fencer's own eyes: a session that is opened when it has to look. */
export interface ServerView {
  look(): Promise<ServerLook>;
  /** Ends the session. */
  close(): void;
}

export function createServerView(dataDirectory: string, access: LocalAccess): ServerView {
  let known: Postmaster | undefined;

  async function findPostmaster(limit: TimeLimit): Promise<Postmaster | undefined> {
    if (known !== undefined && isPostmasterOf(dataDirectory, known.pid)) return known;
    const reading = readFile(join(dataDirectory, 'postmaster.pid'), 'utf8');
    known = parsePidFile(await withTimeLimit('reading postmaster.pid', limit, reading));
    return known;
  }

  const sessions = createSessions({ options: access }, findPostmaster, () => undefined);
  return {
    async look() {
      try {
        const session = await sessions.held(LOOK);
        const [row] = await session.query(STREAMING, [], LOOK);
        return { isClosed: row?.['in_recovery'] === true, streaming: row?.['names'] as readonly string[] };
      } catch (error) {
        if (sqlStateOf(error) === NOT_NOW) return { isClosed: true, streaming: [] };
        throw error;
      }
    },
    close: () => sessions.drop(),
  };
}
