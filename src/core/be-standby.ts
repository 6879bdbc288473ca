import { rest, step, type LocalView, type Rest, type Step } from './action.ts';
import { nameOf, type GroupRecord, type Reign } from './group-record.ts';
import { endHung } from './hung-server.ts';
import { continuesReign, relationTo } from './lineage.ts';
import { sameSettings, standbySettings, upstreamOf, type UpstreamNode } from './server-settings.ts';
import { otherMembers, sameIds } from './slots.ts';
import { startsWithoutSource } from './unfinished-copy.ts';

/** What a node without the baton does next: it follows the holder, once its WAL is proven to be on the holder's history. */
export function beStandby(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  const source = upstreamOf(record, reign.holder, reign.term);
  const holder = nameOf(record, reign.holder);
  const { status, role } = local.postgres;
  if (status === 'starting' && local.copyOf !== null && local.copyOf !== reign.term) {
    return step({ kind: 'stop', mode: 'immediate' }, 'it waits for WAL of a source that is no more');
  }
  if (startsWithoutSource(local, source))
    return step({ kind: 'stop', mode: 'immediate' }, `it was started without ${holder}, whose WAL it needs`);
  if (status === 'starting') return rest('PostgreSQL does not answer yet');
  if (status === 'unresponsive') return endHung(record, local);
  if (status === 'absent') {
    return isReady(reign)
      ? step({ kind: 'clone', source }, `${holder} has the data of the group`)
      : rest(`${holder} is not ready to be copied`);
  }
  if (status === 'incomplete')
    return isReady(reign)
      ? step({ kind: 'rewind', source }, 'an earlier attempt was cut off')
      : rest(`${holder} is not ready`);
  if (role === 'primary') return step({ kind: 'stop', mode: 'immediate' }, `${holder} holds the baton`);
  if (status === 'crashed') return startCrashed(record, reign, source, local);
  return follow(record, reign, source, local);
}

/**
 * After a crash the end of the WAL is known only when it has been read. A copy
 * that has not been started yet is another thing: it becomes consistent only
 * with WAL that its source still has to send.
 */
function startCrashed(
  record: GroupRecord,
  reign: Reign,
  source: UpstreamNode,
  local: LocalView,
): Step | Rest {
  const holder = nameOf(record, reign.holder);
  const { copyOf } = local;
  if (copyOf === null) {
    // Its own promotion may take a second; what there is to compare with is known after it.
    if (reign.history === null) return rest(`${holder} is being promoted`);
    const settings = standbySettings(record, local, null, true);
    return step(
      { kind: 'start_standby', settings },
      'its WAL has to be read to its end before it is compared',
    );
  }
  if (isPromised(reign, local)) return rest(`term ${local.pledge?.term} is pledged`);
  if (copyOf === reign.term) {
    const settings = standbySettings(record, local, source, true);
    return step({ kind: 'start_standby', settings }, `a fresh copy of ${holder} is started`);
  }
  return isReady(reign)
    ? step({ kind: 'clone', source }, `its data are an unfinished copy from term ${copyOf}`)
    : rest(`its data are an unfinished copy from term ${copyOf}, and ${holder} is not ready`);
}

function follow(record: GroupRecord, reign: Reign, source: UpstreamNode, local: LocalView): Step | Rest {
  const holder = nameOf(record, reign.holder);
  const { position, history, status } = local.postgres;
  if (position === null) return rest('the end of its WAL is not known yet');
  if (isPromised(reign, local)) return rest(`term ${local.pledge?.term} is pledged`);

  const lineage = { position, history };
  switch (relationTo(reign, lineage)) {
    case 'unknown':
      return rest(`where the history of ${holder} begins is not known yet`);
    case 'unprovable':
      return step(
        { kind: 'clone', source },
        'it has another history under the same timeline number, which pg_rewind can not see',
      );
    case 'diverged':
      if (local.postgres.upstream?.term === reign.term && continuesReign(reign, lineage))
        return rest(`it follows ${holder} onto a timeline that the group does not know yet`);
      // Also before the reign is confirmed: its first commit may wait for this very node.
      return status === 'running'
        ? step({ kind: 'stop', mode: 'fast' }, `it has WAL that ${holder} does not have`)
        : step({ kind: 'rewind', source }, `it has WAL that ${holder} does not have`);
    case 'contained': {
      const settings = standbySettings(record, local, source, false);
      if (status === 'stopped') return step({ kind: 'start_standby', settings }, `it follows ${holder}`);
      if (!sameSettings(settings, local.configured))
        return step({ kind: 'configure', settings }, `it follows ${holder} in term ${reign.term}`);
      const others = otherMembers(record, local.node);
      if (!sameIds(others, local.slotsFor))
        return step({ kind: 'maintain_slots', nodes: others }, 'every member keeps WAL for the others');
      return rest(null);
    }
  }
}

/** Whether a reign can be copied from; its own first commit may wait for the very node that is to be copied. */
function isReady(reign: Reign): boolean {
  return reign.history !== null;
}

/** Receiving in this reign would break a promise that was made to a later one. */
function isPromised(reign: Reign, local: LocalView): boolean {
  return (local.pledge?.term ?? 0) > reign.term;
}
