import { rest, step, type LocalView, type Rest, type Step } from './action.ts';
import { cohortMembers, nameOf, type GroupRecord, type Intent, type Position } from './group-record.ts';
import { endHung } from './hung-server.ts';
import { mayLoseCommits } from './lease.ts';
import { comparePositions } from './lineage.ts';
import { isLocked, sameSettings, standbySettings, upstreamOf, type UpstreamNode } from './server-settings.ts';
import { otherMembers, sameIds } from './slots.ts';
import { startsWithoutSource } from './unfinished-copy.ts';

/** How long the target of a handover waits for the last WAL of the old primary, ms. */
const CLEAN_END_PATIENCE_MS = 3_000;
/** How long a member that is not needed lets the others elect before it pledges too, ms. */
const SPARED_MS = 1_000;

/** The part of this node in a change of reign; undefined when it has none (yet). */
export function takePartIn(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest | undefined {
  if (intent.stage === 'drain') {
    return intent.from === local.node && record.reign?.holder === local.node
      ? handOver(record, intent, local)
      : undefined;
  }
  if (!cohortMembers(record).includes(local.node)) return undefined;
  const promised = local.pledge?.term ?? 0;
  // Receiving for an earlier term than the one promised would break the promise (I2).
  if (promised > intent.term) return rest(`term ${promised} is pledged`);
  const { fetch } = intent;
  if (
    intent.stage === 'fetch' &&
    fetch?.candidate === local.node &&
    comparePositions(pledgedPosition(local), fetch.upTo) < 0
  ) {
    return fetchWal(record, intent, local);
  }
  if (promised === intent.term && fetch?.source === local.node && intent.stage === 'fetch')
    return beSource(record, intent, local);
  if (promised === intent.term && isReceiving(local)) {
    // A fetch that was given up: what still comes in would not be in the pledge (I8).
    const settings = standbySettings(record, local, null, isLocked(local));
    return step({ kind: 'pledge', term: intent.term, settings }, 'it has received WAL since it pledged');
  }
  if (promised === intent.term) return rest(`term ${intent.term} is pledged, the election is under way`);
  return pledge(record, intent, local);
}

function isReceiving({ postgres, configured }: LocalView): boolean {
  if (postgres.status !== 'running' || postgres.role !== 'standby') return false;
  return postgres.upstream !== null || (configured !== null && configured.upstream !== null);
}

/** Checkpoint first, while clients still write: the shutdown then has little left to do. */
function handOver(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest | undefined {
  if ((local.pledge?.term ?? 0) >= intent.term)
    return rest(`term ${intent.term} is pledged, the others follow`);
  const { status, role } = local.postgres;
  const isPrimary = status === 'running' && role === 'primary';
  if (isPrimary && local.checkpointedFor !== intent.term) {
    return step(
      { kind: 'checkpoint', term: intent.term },
      'the less there is to flush, the shorter the switchover',
    );
  }
  // Stopped: the keeper was killed between the shutdown and the pledge.
  if (!isPrimary && status !== 'stopped') return undefined;
  const settings = standbySettings(record, local, null, isLocked(local));
  return step({ kind: 'hand_over', term: intent.term, settings }, intent.because);
}

function pledge(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest {
  const { status, role, position } = local.postgres;
  const settings = standbySettings(record, local, null, status === 'running' ? isLocked(local) : true);
  switch (status) {
    case 'running':
      if (role === 'primary')
        return step(
          { kind: 'stop', mode: 'immediate' },
          `the baton is given to another node: ${intent.because}`,
        );
      if (intent.kind === 'handover' && canBeSpared(intent, local))
        return rest('the target is elected without it');
      if (waitsForCleanEnd(intent, local, position))
        return rest('the last WAL of the old primary is on its way');
      return step({ kind: 'pledge', term: intent.term, settings }, intent.because);
    case 'stopped':
    case 'crashed':
      if (canBeSpared(intent, local) && !mayLoseCommits(record)) return rest('the others elect without it');
      if (local.copyOf !== null) return finishCopy(record, intent, local);
      return step({ kind: 'start_standby', settings }, 'its WAL is read to its end before it pledges');
    case 'starting': {
      const source = sourceOfCopy(record, intent, local);
      return source !== undefined && startsWithoutSource(local, source)
        ? step({ kind: 'stop', mode: 'immediate' }, 'it was started without the source of its copy')
        : rest('PostgreSQL does not answer yet');
    }
    case 'unresponsive':
      return endHung(record, local);
    case 'absent':
    case 'incomplete':
      return rest('this node has no data to pledge');
  }
}

/**
 * The holder that crashed is needed only where the others are too few, and in a
 * handover the old holder and the target prove all that there is. Until it is
 * clear that these can't do it alone, a third would only take time from them.
 */
function canBeSpared({ kind, from, target, cleanEnd }: Intent, local: LocalView): boolean {
  if (local.intentAgeMs >= SPARED_MS) return false;
  if (kind === 'failover') return from === local.node;
  return cleanEnd !== null && target !== null && target !== local.node;
}

/** An unfinished copy can pledge nothing; its source, itself a standby now, may still have the WAL that it lacks. */
function finishCopy(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest {
  const source = sourceOfCopy(record, intent, local);
  if (source === undefined) return rest(`its data are an unfinished copy from term ${local.copyOf}`);
  const settings = standbySettings(record, local, source, true);
  return step(
    { kind: 'start_standby', settings },
    `its data are an unfinished copy of ${nameOf(record, source.node)}`,
  );
}

/** Whose data an unfinished copy is of; undefined: nobody remembers, or there is none. */
function sourceOfCopy(
  record: GroupRecord,
  { term }: Intent,
  { copyOf }: LocalView,
): UpstreamNode | undefined {
  const reigns = [...(record.reign === null ? [] : [record.reign]), ...record.pastReigns];
  const holder = reigns.find((reign) => reign.term === copyOf)?.holder;
  return holder === undefined ? undefined : upstreamOf(record, holder, term);
}

function waitsForCleanEnd(intent: Intent, local: LocalView, position: Position | null): boolean {
  if (intent.cleanEnd === null || position === null || local.intentAgeMs >= CLEAN_END_PATIENCE_MS)
    return false;
  const matters = intent.target === null || intent.target === local.node;
  return matters && local.postgres.upstream !== null && comparePositions(position, intent.cleanEnd) < 0;
}

function fetchWal(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest {
  const { fetch } = intent;
  const { position, status } = local.postgres;
  if (fetch === null) return rest('PostgreSQL does not answer yet');
  const source = upstreamOf(record, fetch.source, intent.term);
  if (status === 'stopped' || status === 'crashed') {
    const settings = standbySettings(record, local, source, true);
    return step({ kind: 'start_standby', settings }, 'it went down before it had all the WAL');
  }
  if (position === null) return rest('PostgreSQL does not answer yet');
  if (comparePositions(position, fetch.upTo) >= 0) {
    const settings = standbySettings(record, local, null, isLocked(local));
    return step({ kind: 'pledge', term: intent.term, settings }, 'the missing WAL has come');
  }
  const settings = standbySettings(record, local, source, false);
  return sameSettings(settings, local.configured)
    ? rest(`fetching WAL from ${nameOf(record, fetch.source)}`)
    : step({ kind: 'configure', settings }, `${nameOf(record, fetch.source)} has WAL that is missing here`);
}

/** Somebody lacks WAL that this node has: it has to run to give it away. */
function beSource(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest {
  const { status, role } = local.postgres;
  const others = otherMembers(record, local.node);
  // A fresh copy has not made any yet, and nobody can stream from it without.
  if (status === 'running' && role === 'standby' && !sameIds(others, local.slotsFor))
    return step({ kind: 'maintain_slots', nodes: others }, 'who fetches its WAL needs a slot here');
  if (status !== 'stopped' && status !== 'crashed') return rest(`its WAL is fetched for term ${intent.term}`);
  const settings = standbySettings(record, local, null, true);
  return step({ kind: 'start_standby', settings }, `its WAL is fetched for term ${intent.term}`);
}

function pledgedPosition(local: LocalView): Position {
  return local.pledge?.position ?? { timeline: 0, lsn: '0/0' };
}
