import { startCountdown, withTimeLimit, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import type { Marker } from './postgres-server.ts';
import type { Sessions } from './sessions.ts';
import type { SqlSession } from './sql-session.ts';
import { beginCommit, EMPTY_COMMIT, type WaitingCommit } from './waiting-commit.ts';

/** Writes the markers of reigns; see {@link PostgresServer.writeMarker}. */
export interface MarkerWriter {
  /** Opens the session of the next marker while there is time: at a promotion clients wait for every fork. */
  prepare(limit: TimeLimit): Promise<void>;
  /** Closes a prepared session that is not needed after all. */
  discard(): void;
  write(marker: Marker, limit: TimeLimit): Promise<void>;
}

/** When it is there already, it may not have been acknowledged: the message is a commit behind it all the same. */
const INSERT = `WITH marker AS (
    INSERT INTO pgbaton.reign (term, node, timeline) VALUES ($1, $2, $3) ON CONFLICT (term) DO NOTHING)
  ${EMPTY_COMMIT}`;

export function createMarkerWriter(sessions: Sessions): MarkerWriter {
  let underWay: { readonly term: number; readonly commit: WaitingCommit } | undefined;

  let spare: SqlSession | undefined;

  const begin = async ({ term, node, timeline }: Marker, limit: TimeLimit): Promise<WaitingCommit> => {
    const session = spare?.ended === false ? spare : await sessions.open(limit);
    spare = undefined;
    return beginCommit(session, INSERT, [term, node, timeline]);
  };

  const discard = (): void => {
    spare?.destroy();
    spare = undefined;
  };

  return {
    discard,
    async prepare(limit) {
      discard();
      spare = await sessions.open(limit);
    },
    async write(marker, limit) {
      const countdown = startCountdown(limit);
      if (underWay?.term !== marker.term || underWay.commit.session.ended) {
        underWay = { term: marker.term, commit: await begin(marker, limitOf(countdown)) };
      }
      // When time is over, the commit goes on waiting, and the next call finds it again.
      await withTimeLimit(
        'the acknowledgement of the marker',
        limitOf(countdown),
        underWay.commit.acknowledged,
      );
      underWay = undefined;
    },
  };
}
