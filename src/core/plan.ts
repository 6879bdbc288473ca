import { synchronousStandbyNames } from './application-name.ts';
import type { Pledge, PostgresReport } from './evidence.ts';
import {
  cohortMembers,
  currentRule,
  findNode,
  nameOf,
  type GroupRecord,
  type Intent,
  type NodeEntry,
  type NodeId,
  type Position,
  type Reign,
  type Rule,
} from './group-record.ts';
import { comparePositions, relationTo } from './lineage.ts';
import { sameRule, votersOf } from './quorum.ts';

/** What a keeper knows of its own node. Ages are measured by the keeper, ms. */
export interface LocalView {
  readonly node: NodeId;
  readonly postgres: PostgresReport;
  /** The value of synchronous_standby_names that the server uses; null when it does not run. */
  readonly synchronousStandbyNames: string | null;
  /** Durable: the highest term promised. */
  readonly pledge: Pledge | null;
  /** Durable: the last term in which this node began to be the primary. */
  readonly promotedTerm: number | null;
  /** Durable: the term whose marker was acknowledged; cleared before every start and promotion. */
  readonly servingTerm: number | null;
  readonly restartsUsed: number;
  /** What was last configured by this keeper; null after its own restart. */
  readonly configured: ServerSettings | null;
  /** The rule that was last brought into force by this keeper, and in which term. */
  readonly appliedRule: (Rule & { readonly term: number }) | null;
  /** The members whose slots were last seen to. */
  readonly slotsFor: readonly NodeId[] | null;
  /** The term for whose handover the checkpoints have been taken. */
  readonly checkpointedFor: number | null;
  /** A marker of this term is on its way and waits for the voters. */
  readonly markerUnderWay: number | null;
  /** The marker of this term has been acknowledged since this keeper started. */
  readonly markerAcknowledged: number | null;
  /** Since the store was last heard. */
  readonly storeSilentMs: number;
  /** Since this primary last had enough voters streaming in its term. */
  readonly quorumSilentMs: number;
  /** Since the present intent was first seen in its present stage. */
  readonly intentAgeMs: number;
}

/** The settings that pgbaton decides on, as values. */
export interface ServerSettings {
  readonly upstream: UpstreamNode | null;
  readonly synchronousStandbyNames: string;
  readonly readOnly: boolean;
  readonly locked: boolean;
  readonly peers: readonly string[];
}

export interface UpstreamNode {
  readonly node: NodeId;
  readonly host: string;
  readonly port: number;
  readonly term: number;
}

/** One thing for a keeper to do next. */
export type Action =
  | { readonly kind: 'initialise' }
  | { readonly kind: 'adopt'; readonly term: number }
  | {
      readonly kind: 'start_primary';
      readonly term: number;
      readonly restarts: number;
      readonly settings: ServerSettings;
    }
  | { readonly kind: 'start_standby'; readonly settings: ServerSettings }
  | { readonly kind: 'stop'; readonly mode: 'fast' | 'immediate' }
  | { readonly kind: 'checkpoint'; readonly term: number }
  | { readonly kind: 'hand_over'; readonly term: number }
  | { readonly kind: 'pledge'; readonly term: number; readonly settings: ServerSettings }
  | { readonly kind: 'configure'; readonly settings: ServerSettings }
  | {
      readonly kind: 'promote';
      readonly term: number;
      readonly timeline: number;
      readonly settings: ServerSettings;
    }
  | { readonly kind: 'apply_rule'; readonly term: number; readonly rule: Rule; readonly names: string }
  | { readonly kind: 'write_marker'; readonly term: number }
  | { readonly kind: 'open'; readonly term: number; readonly settings: ServerSettings }
  | { readonly kind: 'maintain_slots'; readonly nodes: readonly NodeId[] }
  | { readonly kind: 'clone'; readonly source: UpstreamNode }
  | { readonly kind: 'rewind'; readonly source: UpstreamNode }
  | { readonly kind: 'leave' };

export interface Step {
  readonly action: Action;
  /** A sentence for the log. */
  readonly because: string;
}

/** Nothing to do now, and what that waits for when it waits. */
export interface Rest {
  readonly action: null;
  readonly because: string | null;
}

/**
 * On a standby this is always in force: a server that somebody promotes by
 * hand can't acknowledge a commit, and at a promotion by pgbaton the
 * checkpointer's flag is up long before, so that no commit slips through.
 */
export const UNSATISFIABLE_NAMES = 'ANY 1 ("pgbaton_nobody@0")';

/** Without the store for this long, a holder restarts a crashed PostgreSQL on its own, ms. Its voters fence it. */
const STORE_PATIENCE_MS = 2_000;
/** How long the target of a handover waits for the last WAL of the old primary, ms. */
const CLEAN_END_PATIENCE_MS = 3_000;

/**
 * What a keeper does next. Pure: the next step is computed anew from the
 * record and what is seen after every step, so a keeper that was killed
 * between two steps goes on where it was.
 */
export function plan(record: GroupRecord, local: LocalView): Step | Rest {
  const me = findNode(record, local.node);
  if (me === undefined || mayLeave(record, me)) return leave(local);
  if (me.maintenance && !isNeeded(record, me)) return rest(`${nameOf(record, me.id)} is in maintenance`);

  const { intent, reign } = record;
  if (intent !== null) {
    const step = takePartIn(record, intent, local);
    if (step !== undefined) return step;
  }
  if (reign === null) return rest('the group has no reign yet');
  if (reign.holder === local.node)
    return intent === null || intent.stage === 'drain'
      ? bePrimary(record, reign, local)
      : rest('another term is being prepared');
  return beStandby(record, reign, local);
}

function mayLeave(record: GroupRecord, me: NodeEntry): boolean {
  return me.dropping !== 'no' && !isNeeded(record, me);
}

/** Whether the group counts on this node: its commits, its pledge or its baton. */
function isNeeded(record: GroupRecord, me: NodeEntry): boolean {
  return record.reign?.holder === me.id || cohortMembers(record).includes(me.id);
}

function leave(local: LocalView): Step | Rest {
  const { status } = local.postgres;
  if (status === 'stopped' || status === 'absent' || status === 'crashed')
    return rest('this node was dropped from its group');
  return step({ kind: 'leave' }, 'this node was dropped from its group');
}

// ---------------------------------------------------------------------------
// A change of reign

/** The part of this node in a change of reign; undefined when it has none (yet). */
function takePartIn(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest | undefined {
  if (intent.stage === 'drain') {
    return intent.from === local.node && record.reign?.holder === local.node
      ? handOver(intent, local)
      : undefined;
  }
  if (!cohortMembers(record).includes(local.node)) return undefined;
  const { fetch } = intent;
  if (
    intent.stage === 'fetch' &&
    fetch?.candidate === local.node &&
    comparePositions(pledgedPosition(local), fetch.upTo) < 0
  ) {
    return fetchWal(record, intent, local);
  }
  if ((local.pledge?.term ?? 0) >= intent.term)
    return rest(`term ${intent.term} is pledged, the election is under way`);
  return pledge(record, intent, local);
}

/** Checkpoint first, while clients still write: the shutdown then has little left to do. */
function handOver(intent: Intent, local: LocalView): Step | Rest | undefined {
  if ((local.pledge?.term ?? 0) >= intent.term)
    return rest(`term ${intent.term} is pledged, the others follow`);
  const { status, role } = local.postgres;
  if (status === 'running' && role === 'primary') {
    return local.checkpointedFor === intent.term
      ? step({ kind: 'hand_over', term: intent.term }, intent.because)
      : step(
          { kind: 'checkpoint', term: intent.term },
          'the less there is to flush, the shorter the switchover',
        );
  }
  // The keeper was killed between the shutdown and the pledge.
  if (status === 'stopped') return step({ kind: 'hand_over', term: intent.term }, intent.because);
  return undefined;
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
      if (waitsForCleanEnd(intent, local, position))
        return rest('the last WAL of the old primary is on its way');
      return step({ kind: 'pledge', term: intent.term, settings }, intent.because);
    case 'stopped':
    case 'crashed':
      return step({ kind: 'start_standby', settings }, 'its WAL is read to its end before it pledges');
    case 'starting':
    case 'unresponsive':
      return rest('PostgreSQL does not answer yet');
    case 'absent':
    case 'incomplete':
      return rest('this node has no data to pledge');
  }
}

function waitsForCleanEnd(intent: Intent, local: LocalView, position: Position | null): boolean {
  if (intent.cleanEnd === null || position === null || local.intentAgeMs >= CLEAN_END_PATIENCE_MS)
    return false;
  const matters = intent.target === null || intent.target === local.node;
  return matters && local.postgres.upstream !== null && comparePositions(position, intent.cleanEnd) < 0;
}

function fetchWal(record: GroupRecord, intent: Intent, local: LocalView): Step | Rest {
  const { fetch } = intent;
  const { position } = local.postgres;
  if (fetch === null || position === null) return rest('PostgreSQL does not answer yet');
  const source = upstreamOf(record, fetch.source, intent.term);
  if (comparePositions(position, fetch.upTo) >= 0) {
    const settings = standbySettings(record, local, null, isLocked(local));
    return step({ kind: 'pledge', term: intent.term, settings }, 'the missing WAL has come');
  }
  const settings = standbySettings(record, local, source, false);
  return sameSettings(settings, local.configured)
    ? rest(`fetching WAL from ${nameOf(record, fetch.source)}`)
    : step({ kind: 'configure', settings }, `${nameOf(record, fetch.source)} has WAL that is missing here`);
}

function pledgedPosition(local: LocalView): Position {
  return local.pledge?.position ?? { timeline: 0, lsn: '0/0' };
}

// ---------------------------------------------------------------------------
// The holder

function bePrimary(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
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
    case 'unresponsive':
      return rest('PostgreSQL does not answer yet');
    case 'running':
      return local.postgres.role === 'primary'
        ? reignOn(record, reign, local)
        : becomePrimary(record, reign, local);
  }
}

function startHolder(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  const settings = { ...primarySettings(record, reign, local, false), locked: true };
  const start = { kind: 'start_primary', term: reign.term, restarts: reign.restarts, settings } as const;
  if (reign.basis === null && local.promotedTerm === null)
    return step(start, 'the first node starts as the primary');
  if (local.promotedTerm !== reign.term) {
    return step(
      { kind: 'start_standby', settings: standbySettings(record, local, null, true) },
      'it starts as a standby and is promoted then',
    );
  }
  if (reign.restarts > local.restartsUsed) return step(start, 'it was told to restart in place');
  if (local.storeSilentMs >= STORE_PATIENCE_MS)
    return step(start, 'the store is silent; nobody else can be promoted without the voters of this node');
  return rest('PostgreSQL is down; the group decides whether another node takes over');
}

/** A standby that has been elected. */
function becomePrimary(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  if (local.promotedTerm === reign.term && local.postgres.position?.timeline === reign.timeline) {
    // It was the primary of this very term, and came up as a standby: started by hand, or stepped down.
    if (local.storeSilentMs >= STORE_PATIENCE_MS) return rest('stepped down until the store is heard again');
    return step({ kind: 'stop', mode: 'fast' }, 'it holds the baton and runs as a standby');
  }
  const settings = primarySettings(record, reign, local, false);
  return step(
    {
      kind: 'promote',
      term: reign.term,
      timeline: reign.timeline,
      settings: { ...settings, locked: isLocked(local) },
    },
    reign.because,
  );
}

function reignOn(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  if (local.promotedTerm !== reign.term) {
    return reign.basis === null && local.promotedTerm === null
      ? step({ kind: 'adopt', term: reign.term }, 'a running server becomes the first primary')
      : step({ kind: 'stop', mode: 'immediate' }, `it was promoted outside of term ${reign.term}`);
  }
  const rule = currentRule(record);
  if (rule === undefined) return rest('the record has no rule');
  if (mustStepDown(record, rule, local)) {
    return step(
      { kind: 'stop', mode: 'immediate' },
      'neither the store nor enough voters are heard: somebody else may be the primary',
    );
  }
  const isOpen = local.servingTerm === reign.term;
  const settings = primarySettings(record, reign, local, isOpen);
  const inForce = local.synchronousStandbyNames ?? '';
  if (
    local.configured === null ||
    !sameSettings(
      { ...settings, synchronousStandbyNames: inForce },
      { ...local.configured, synchronousStandbyNames: inForce },
    )
  ) {
    return step(
      { kind: 'configure', settings: { ...settings, synchronousStandbyNames: inForce } },
      'its settings differ',
    );
  }
  // Without slots the others can't attach, and without them the marker is not acknowledged.
  const others = record.nodes
    .filter((node) => node.id !== local.node && node.dropping === 'no')
    .map((node) => node.id);
  if (!sameIds(others, local.slotsFor))
    return step({ kind: 'maintain_slots', nodes: others }, 'every member needs a slot here');
  if (mustApply(record, rule, reign, inForce, settings.synchronousStandbyNames, local)) {
    return step(
      { kind: 'apply_rule', term: reign.term, rule, names: settings.synchronousStandbyNames },
      'the rule of the group has changed',
    );
  }
  if (isOpen) return rest(null);
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

function mustApply(
  record: GroupRecord,
  rule: Rule,
  reign: Reign,
  inForce: string,
  names: string,
  local: LocalView,
): boolean {
  if (inForce !== names) return true;
  if (record.rules.length < 2) return false;
  const applied = local.appliedRule;
  return applied === null || applied.term !== reign.term || !sameRule(applied, rule);
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

// ---------------------------------------------------------------------------
// The others

function beStandby(record: GroupRecord, reign: Reign, local: LocalView): Step | Rest {
  const source = upstreamOf(record, reign.holder, reign.term);
  const holder = nameOf(record, reign.holder);
  const { status, role } = local.postgres;
  if (status === 'starting' || status === 'unresponsive') return rest('PostgreSQL does not answer yet');
  if (status === 'absent') {
    return reign.confirmed
      ? step({ kind: 'clone', source }, `${holder} has the data of the group`)
      : rest(`${holder} is not ready to be copied`);
  }
  if (status === 'incomplete')
    return reign.confirmed
      ? step({ kind: 'rewind', source }, 'an earlier attempt was cut off')
      : rest(`${holder} is not ready`);
  if (isForeign(record, local))
    return rest(
      `its system identifier is ${local.postgres.systemIdentifier}, that of the group is ${record.systemIdentifier}`,
    );
  if (role === 'primary') return step({ kind: 'stop', mode: 'immediate' }, `${holder} holds the baton`);
  if (status === 'crashed') {
    return step(
      { kind: 'start_standby', settings: standbySettings(record, local, null, true) },
      'its WAL has to be read to its end before it is compared',
    );
  }
  return follow(record, reign, source, local);
}

function follow(record: GroupRecord, reign: Reign, source: UpstreamNode, local: LocalView): Step | Rest {
  const holder = nameOf(record, reign.holder);
  const { position, history, status } = local.postgres;
  if (position === null) return rest('the end of its WAL is not known yet');
  if ((local.pledge?.term ?? 0) > reign.term) return rest(`term ${local.pledge?.term} is pledged`);

  switch (relationTo(reign, { position, history })) {
    case 'unknown':
      return rest(`where the history of ${holder} begins is not known yet`);
    case 'unprovable':
      return reign.confirmed
        ? step(
            { kind: 'clone', source },
            'it has another history under the same timeline number, which pg_rewind can not see',
          )
        : rest(`${holder} is not ready`);
    case 'diverged':
      if (!reign.confirmed)
        return rest(`it has WAL that ${holder} does not have, and ${holder} is not ready`);
      return status === 'running'
        ? step({ kind: 'stop', mode: 'fast' }, `it has WAL that ${holder} does not have`)
        : step({ kind: 'rewind', source }, `it has WAL that ${holder} does not have`);
    case 'contained': {
      const settings = standbySettings(record, local, source, false);
      if (status === 'stopped') return step({ kind: 'start_standby', settings }, `it follows ${holder}`);
      if (!sameSettings(settings, local.configured))
        return step({ kind: 'configure', settings }, `it follows ${holder} in term ${reign.term}`);
      const others = record.nodes
        .filter((node) => node.id !== local.node && node.dropping === 'no')
        .map((node) => node.id);
      if (!sameIds(others, local.slotsFor))
        return step({ kind: 'maintain_slots', nodes: others }, 'every member keeps WAL for the others');
      return rest(null);
    }
  }
}

/** I11: a server of another system never takes part. */
function isForeign(record: GroupRecord, local: LocalView): boolean {
  const { systemIdentifier } = local.postgres;
  return (
    systemIdentifier !== null &&
    record.systemIdentifier !== null &&
    systemIdentifier !== record.systemIdentifier
  );
}

// ---------------------------------------------------------------------------
// Settings

/** What a primary of this reign runs with; until its marker is acknowledged it keeps clients out. */
function primarySettings(
  record: GroupRecord,
  reign: Reign,
  local: LocalView,
  isOpen: boolean,
): ServerSettings {
  const rule = currentRule(record) ?? { cohort: [local.node], k: 0 };
  return {
    upstream: null,
    synchronousStandbyNames: synchronousStandbyNames(votersOf(rule, local.node), rule.k, reign.term),
    readOnly: !isOpen,
    // A promoted standby has readers already; a server that crashed must not show what nobody acknowledged (I13).
    locked: !isOpen && (local.configured?.locked ?? true),
    peers: peersOf(record, local),
  };
}

function standbySettings(
  record: GroupRecord,
  local: LocalView,
  upstream: UpstreamNode | null,
  locked: boolean,
): ServerSettings {
  return {
    upstream,
    synchronousStandbyNames: UNSATISFIABLE_NAMES,
    readOnly: true,
    locked,
    peers: peersOf(record, local),
  };
}

/** A server that was started to have its WAL compared stays locked until it is proven to be on the right history. */
function isLocked(local: LocalView): boolean {
  return local.configured?.locked ?? false;
}

function peersOf(record: GroupRecord, local: LocalView): readonly string[] {
  const hosts = record.nodes.filter((node) => node.id !== local.node).map((node) => node.host);
  return [...new Set(hosts)].sort();
}

function upstreamOf(record: GroupRecord, node: NodeId, term: number): UpstreamNode {
  const entry = findNode(record, node);
  return { node, host: entry?.host ?? '', port: entry?.port ?? 0, term };
}

export function sameSettings(a: ServerSettings, b: ServerSettings | null): boolean {
  return b !== null && JSON.stringify(a) === JSON.stringify(b);
}

function sameIds(a: readonly NodeId[], b: readonly NodeId[] | null): boolean {
  return b !== null && a.length === b.length && a.every((id, i) => id === b[i]);
}

function step(action: Action, because: string): Step {
  return { action, because };
}

function rest(because: string | null): Rest {
  return { action: null, because };
}
