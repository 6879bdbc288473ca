import { rest, step, type LocalView, type Rest, type Step } from './action.ts';
import { cohortMembers, currentRule, type GroupRecord, type Reign, type Rule } from './group-record.ts';
import { isHung } from './hung-server.ts';
import { isLeaseRunningOut, isLeaseStale, needsLease } from './lease.ts';
import { continuesReign, reignTimelineAfter } from './lineage.ts';
import { isLocked, primarySettings, sameBesidesNames, standbySettings } from './server-settings.ts';
import { otherMembers, sameIds } from './slots.ts';

/** Without the store for this long, a holder restarts a crashed PostgreSQL on its own, ms. Its voters fence it. */
export const STORE_PATIENCE_MS = 2_000;
/** A keeper that was later than this has to listen for a while before it may say so, ms. */
const KEEPER_LAG_MS = 1_000;
/** A voter whose connection was broken is back within this time, ms. */
const RECONNECTED_MS = 500;

/** What the holder of the baton does next. */
export function bePrimary(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  if ((local.pledge?.term ?? 0) > reign.term)
    return rest(`term ${local.pledge?.term} is pledged: term ${reign.term} can't go on here`);
  switch (local.postgres.status) {
    case 'absent':
      return record.systemIdentifier === null && reign.basis === null
        ? step({ kind: 'initialise' }, 'the first node of a group makes the database')
        : rest('the data directory is gone; an empty one never becomes the primary');
    case 'incomplete':
      return rest('the data directory is half-made; it never becomes the primary');
    case 'stopped':
    case 'crashed':
      return startHolder(record, reign, local);
    case 'starting':
      return rest('PostgreSQL does not answer yet');
    case 'unresponsive':
      return outlastHang(record, reign, local);
    case 'running':
      return local.postgres.role === 'primary'
        ? reignOn(record, reign, local)
        : becomePrimary(record, reign, local);
  }
}

/** Ends a server that answers nothing at all, to start it again: when the group says so, or nobody can say anything. */
function outlastHang(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  const isTold = reign.restarts > local.restartsUsed || isStoreAway(local);
  if (isTold && local.postgres.role === null && isHung(record, local))
    return step({ kind: 'stop', mode: 'immediate' }, 'PostgreSQL hangs and is restarted in place');
  return rest('PostgreSQL does not answer; the group decides whether another node takes over');
}

function startHolder(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  if (lacksLease(record, local)) return rest(NO_LEASE);
  const settings = { ...primarySettings(record, reign, local, false), locked: true };
  const start = { kind: 'start_primary', term: reign.term, restarts: reign.restarts, settings } as const;
  // Nobody else has data yet, so an attempt that was cut off needs no permission to be made again.
  if (reign.basis === null && (local.promotedTerm === null || reign.history === null))
    return step(start, 'the first node starts as the primary');
  if (!wasPromoted(reign, local)) {
    return step(
      { kind: 'start_standby', settings: standbySettings(record, local, null, true) },
      'it starts as a standby and is promoted then',
    );
  }
  if (reign.restarts > local.restartsUsed) return step(start, 'it was told to restart in place');
  if (isStoreAway(local))
    return step(
      start,
      'the store is silent; if another node was promoted, the voters of this one let no commit of it end',
    );
  return rest('PostgreSQL is down; the group decides whether another node takes over');
}

/**
 * A keeper that has just been woken may have missed everything, its own
 * deposition too: a primary started then would write WAL that nobody wants.
 */
function isStoreAway({ storeSilentMs, keeperLagMs }: LocalView): boolean {
  return storeSilentMs >= STORE_PATIENCE_MS && keeperLagMs < KEEPER_LAG_MS;
}

/** A standby that has been elected. */
function becomePrimary(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  if (wasPromoted(reign, local)) {
    // It was the primary of this very term, and came up as a standby: started by hand, or stepped down.
    if (local.storeSilentMs >= STORE_PATIENCE_MS) return rest('stepped down until the store is heard again');
    return step({ kind: 'stop', mode: 'fast' }, 'it holds the baton and runs as a standby');
  }
  // Just started by somebody: it may be on the reign's timeline already.
  const { position } = local.postgres;
  if (position === null) return rest('the end of its WAL is not known yet');
  if (lacksLease(record, local)) return rest(NO_LEASE);
  if (reign.fencedBy === 'lease' && local.walStillMs < record.settings.leaseMs)
    return rest('the old primary may have been told by the last WAL from it that it may go on');
  const settings = primarySettings(record, reign, local, false);
  // Promoted by hand since it was elected, it may have followers that a person promotes onto the reign's number.
  const timeline = Math.max(reign.timeline, reignTimelineAfter(position.timeline));
  return step(
    {
      kind: 'promote',
      term: reign.term,
      timeline,
      settings: { ...settings, locked: isLocked(local) },
      withMarker: timeline === reign.timeline,
    },
    reign.because,
  );
}

/**
 * Whether its data are on the reign's own timeline. That a promotion was begun
 * proves nothing: started as a primary before it has happened, the server
 * would go on with the timeline of the reign before (I10). Nor does the number
 * alone: whom somebody promotes twice by hand is on it without the group.
 */
function wasPromoted(reign: Reign, local: LocalView): boolean {
  if (reign.basis === null) return true;
  if (local.promotedTerm !== reign.term) return false;
  const { position, history } = local.postgres;
  if (position !== null && continuesReign(reign, { position, history })) return true;
  return (position?.timeline ?? local.diskTimeline) === reign.timeline;
}

function reignOn(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  if (local.promotedTerm !== reign.term) {
    return reign.basis === null && local.promotedTerm === null
      ? step({ kind: 'adopt', term: reign.term }, 'a running server becomes the first primary')
      : step({ kind: 'stop', mode: 'immediate' }, `it was promoted outside of term ${reign.term}`);
  }
  const { basis } = reign;
  const { position } = local.postgres;
  if (basis !== null && position !== null && position.timeline <= basis.position.timeline) {
    return step({ kind: 'stop', mode: 'immediate' }, 'it is a primary on the timeline of an earlier reign');
  }
  if (local.servingTerm === reign.term && position !== null && position.timeline > reign.timeline) {
    return step({ kind: 'stop', mode: 'immediate' }, 'it was stopped and promoted by hand');
  }
  if (position !== null && position.timeline !== reign.timeline) {
    // Nothing may be acknowledged on a timeline that no pledge could account for (I1).
    return rest(`the group has not learned of timeline ${position.timeline} yet`);
  }
  const rule = currentRule(record);
  if (rule === undefined) return rest('the record has no rule');
  if (mustEndForLease(record, local)) {
    return step(
      { kind: 'stop', mode: 'immediate' },
      'neither the store nor every member lets it go on: somebody else may be the primary soon',
    );
  }
  if (mustStepDown(record, rule, local)) {
    return step(
      { kind: 'stop', mode: 'immediate' },
      'neither the store nor enough voters are heard: somebody else may be the primary',
    );
  }
  const isOpen = local.servingTerm === reign.term;
  if (isOpen && mustAskMembers(record, reign, local))
    return step(
      { kind: 'ask_members', term: reign.term },
      'the store is silent; the members are asked instead',
    );
  const isShut = isOpen && mustShut(record, rule, local);
  const settings = primarySettings(record, reign, local, isOpen && !isShut);
  const inForce = local.synchronousStandbyNames ?? '';
  if (!sameBesidesNames(settings, local.configured)) {
    return step(
      { kind: 'configure', settings: { ...settings, synchronousStandbyNames: inForce } },
      isShut
        ? 'no commit could be acknowledged, and somebody else may be the primary'
        : 'its settings differ',
    );
  }
  // Without slots the others can't attach, and without them the marker is not acknowledged.
  const others = otherMembers(record, local.node);
  if (!sameIds(others, local.slotsFor))
    return step({ kind: 'maintain_slots', nodes: others }, 'every member needs a slot here');
  if (mustApply(record, reign, inForce, settings.synchronousStandbyNames, local)) {
    // From then on its commits stand on the lease, and the group is told so.
    if (lacksLease(record, local)) return rest(NO_LEASE);
    return step(
      {
        kind: 'apply_rule',
        term: reign.term,
        rule,
        change: record.ruleChanges,
        names: settings.synchronousStandbyNames,
      },
      'the rule of the group has changed',
    );
  }
  if (isOpen) return rest(isShut ? 'closed for writes until its voters are heard' : null);
  if (lacksLease(record, local)) return rest(NO_LEASE);
  if (local.markerAcknowledged === reign.term) {
    const open = primarySettings(record, reign, local, true);
    return step(
      { kind: 'open', term: reign.term, settings: open },
      `the voters hold the first commit of term ${reign.term}`,
    );
  }
  return local.markerUnderWay === reign.term
    ? rest('the first commit of the term waits for the voters')
    : step(
        { kind: 'write_marker', term: reign.term },
        `term ${reign.term} begins with a commit that its voters acknowledge`,
      );
}

const NO_LEASE = 'it waits for the lease of its term';

/** Whether the group asks for a lease and this node has none that would last. */
function lacksLease(record: GroupRecord, local: LocalView): boolean {
  return needsLease(record) && isLeaseRunningOut(record, local.leaseLeftMs);
}

/**
 * Whether this server has to be ended for want of a lease: somebody else may be
 * promoted soon, and nothing else would keep its clients from it.
 */
export function mustEndForLease(record: GroupRecord, local: LocalView): boolean {
  const { reign } = record;
  const { status, role } = local.postgres;
  const isUp = status === 'running' || status === 'starting' || status === 'unresponsive';
  // Locked before its first commit it has no clients; what is only being promoted is not seen as a primary yet.
  const isClosed = local.servingTerm === null && local.configured?.locked === true;
  const mayHaveClients = isUp && !isClosed && (role === 'primary' || local.promotedTerm === reign?.term);
  return (
    mayHaveClients && reign?.holder === local.node && lacksLease(record, local) && local.leaseGraceMs <= 0
  );
}

/**
 * Without the store a primary asks every member: who confirms that it may go on
 * takes no part in a promotion for as long as a lease lasts. A majority would
 * not do, since in an async group any single member may be promoted.
 */
function mustAskMembers(record: GroupRecord, reign: Reign, local: LocalView): boolean {
  return (
    needsLease(record) &&
    isLeaseStale(record, local.leaseLeftMs) &&
    local.membersAskedMs >= record.settings.heartbeatMs &&
    allStream(record, reign, local)
  );
}

function allStream(record: GroupRecord, { term }: Reign, { node, postgres }: LocalView): boolean {
  return cohortMembers(record).every(
    (member) =>
      member === node ||
      postgres.followers.some(
        (each) => each.node === member && each.term === term && each.state === 'streaming',
      ),
  );
}

function mustApply(
  record: GroupRecord,
  reign: Reign,
  inForce: string,
  names: string,
  { appliedRule }: LocalView,
): boolean {
  if (inForce !== names) return true;
  const isApplied = appliedRule?.term === reign.term && appliedRule.change === record.ruleChanges;
  return record.rules.length > 1 && !isApplied;
}

/**
 * A primary that hears neither the store nor enough voters is closed for
 * writes, as another may be elected in this moment; its readers stay. It costs
 * little and is taken back when the voters are heard, so it need not wait until
 * there is reason enough to step down.
 */
function mustShut({ settings }: GroupRecord, rule: Rule, local: LocalView): boolean {
  const isShut = local.configured?.readOnly === true;
  return (
    rule.k > 0 &&
    local.quorumSilentMs >= RECONNECTED_MS &&
    (isShut || local.storeSilentMs >= settings.detectionMs)
  );
}

/** A primary whose commits wait for voters that have left must not look writable. */
function mustStepDown(record: GroupRecord, rule: Rule, local: LocalView): boolean {
  const { detectionMs } = record.settings;
  return (
    rule.k > 0 &&
    local.storeSilentMs >= detectionMs &&
    local.quorumSilentMs >= detectionMs &&
    local.servingTerm !== null
  );
}
