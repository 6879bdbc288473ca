import { startCountdown, withTimeLimit, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import type { Marker } from './postgres-server.ts';
import type { Sessions } from './sessions.ts';
import { beginCommit, EMPTY_COMMIT, type WaitingCommit } from './waiting-commit.ts';

/** Writes the markers of reigns; see {@link PostgresServer.writeMarker}. */
export interface MarkerWriter {
  write(marker: Marker, limit: TimeLimit): Promise<void>;
}

const INSERT = 'INSERT INTO pgbaton.reign (term, node, timeline) VALUES ($1, $2, $3)';

export function createMarkerWriter(sessions: Sessions): MarkerWriter {
  let underWay: { readonly term: number; readonly commit: WaitingCommit } | undefined;

  const begin = async (marker: Marker, limit: TimeLimit): Promise<WaitingCommit> => {
    const countdown = startCountdown(limit);
    const reader = await sessions.held(limitOf(countdown));
    const found = await reader.query(
      'SELECT 1 FROM pgbaton.reign WHERE term = $1',
      [marker.term],
      limitOf(countdown),
    );
    const session = await sessions.open(limitOf(countdown));
    // When it is there already, it may not have been acknowledged: a later commit is only after it.
    return found.length > 0
      ? beginCommit(session, EMPTY_COMMIT)
      : beginCommit(session, INSERT, [marker.term, marker.node, marker.timeline]);
  };

  return {
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
