import type { LocalView } from '../../src/core/action.ts';
import type { Evidence, Follower, Pledge, PostgresReport, Report } from '../../src/core/evidence.ts';
import { currentRule, type GroupRecord, type NodeId } from '../../src/core/group-record.ts';
import { LSN_ZERO } from '../../src/core/lsn.ts';
import { UNSATISFIABLE_NAMES } from '../../src/core/server-settings.ts';
import { otherMembers } from '../../src/core/slots.ts';
import { votersOf } from '../../src/core/quorum.ts';
import type { Age, Keeper, Memory, Server } from './parts.ts';
import { NODES } from './permutations.ts';
import { hostOf } from './renaming.ts';
import { keeperOf, serverOf, type State } from './state.ts';
import { beginningOfTimeline, type Wal } from './wal-tree.ts';

/** Ages as the core measures them, ms: beyond detection, pledges and patience, then beyond every limit. */
const AGE_MS = { 0: 0, 1: 10_000, 2: 1_000_000 } as const satisfies Record<Age, number>;
const LONG_MS = 10_000;

/** Who receives from a server by its own walsenders: also those who are gone without its knowing. */
export function sendersOf(
  state: State,
  node: NodeId,
): readonly { node: NodeId; term: number; flushed: Wal }[] {
  const { up, ghosts } = serverOf(state, node);
  if (up !== 'primary' && up !== 'standby') return [];
  const live = NODES.flatMap((standby) => {
    const { receiver, wal } = serverOf(state, standby);
    return receiver === null || receiver.isHalf || receiver.node !== node
      ? []
      : [{ node: standby, term: receiver.term, flushed: wal }];
  });
  return ghosts.length === 0 ? live : [...live, ...ghosts].sort((a, b) => a.node - b.node);
}

export function statusOf({ up, isClean, isHalfMade }: Server, keeper: Keeper): PostgresReport['status'] {
  if (up === 'primary' || up === 'standby') return 'running';
  const kind = keeper.doing?.action.kind;
  if (up === 'starting' || kind === 'start_primary' || kind === 'start_standby') return 'starting';
  if (isHalfMade) return 'incomplete';
  return isClean ? 'stopped' : 'crashed';
}

/** What a keeper sees of its server. */
function observe(server: Server, keeper: Keeper, followers: readonly Follower[]): PostgresReport {
  const { wal, receiver } = server;
  const status = statusOf(server, keeper);
  const isRunning = status === 'running';
  const isKnown = isRunning || status === 'stopped';
  return {
    status,
    systemIdentifier: status === 'starting' || status === 'incomplete' ? null : '7300000000000000001',
    serverVersion: 150_018,
    role: isRunning ? (server.up as 'primary' | 'standby') : null,
    position: isKnown ? wal.lineage.position : null,
    history: isKnown ? wal.lineage.history : [],
    markerTerm: isRunning ? wal.markerTerm : null,
    upstream:
      isRunning && receiver !== null
        ? { term: receiver.term, host: hostOf(receiver.node), port: 5432, silentMs: 0 }
        : null,
    followers,
  };
}

function followersOf(state: State, node: NodeId): readonly Follower[] {
  return sendersOf(state, node).map(({ node: standby, term }) => ({
    node: standby,
    term,
    state: 'streaming',
    // All are close to the end: there is less WAL than admissionLagBytes.
    flushLsn: LSN_ZERO,
    replayLsn: null,
    syncPriority: 0,
    silentMs: 0,
  }));
}

/**
 * As `reportOfState` of the keeper puts it together, without what no decision
 * reads: what only orders reports, the followers of a standby, and how far WAL
 * that still flows has come. A report of the moment when it began to flow says
 * the same.
 */
export function reportOf(state: State, node: NodeId): Report {
  const [server, keeper] = [serverOf(state, node), keeperOf(state, node)];
  const isPrimary = server.up === 'primary';
  const seen = observe(server, keeper, isPrimary ? followersOf(state, node) : []);
  const flows = seen.position !== null && (isPrimary || server.receiver !== null);
  const postgres: PostgresReport = {
    ...seen,
    markerTerm: null,
    position: flows ? beginningOfTimeline(server.wal).lineage.position : seen.position,
  };
  const { pledge, appliedRule } = keeper;
  return {
    node,
    session: 0,
    sequence: 0,
    recordVersion: 0,
    postgres,
    pledge: toPledge(pledge),
    promotedTerm: keeper.promotedTerm,
    unansweredMs: 0,
    restartsUsed: keeper.restartsUsed,
    servingTerm: postgres.role === 'primary' ? keeper.servingTerm : null,
    confirmedRule:
      appliedRule === null ||
      keeper.record.value.rules.length < 2 ||
      postgres.role !== 'primary' ||
      !isConfirmed(state, node, keeper)
        ? null
        : {
            cohort: appliedRule.cohort,
            k: appliedRule.k,
            term: appliedRule.term,
            change: appliedRule.change,
          },
    unfit: null,
    activity: null,
    problem: null,
  };
}

function isConfirmed(state: State, node: NodeId, { appliedRule: rule }: Keeper): boolean {
  if (rule === null) return false;
  const holding = sendersOf(state, node).filter(
    (each) =>
      each.term === rule.term && rule.cohort.includes(each.node) && each.flushed.depth >= rule.safe.depth,
  );
  return holding.length >= rule.k;
}

/** Whether a primary has as many voters streaming as a commit needs, as its keeper sees it. */
export function hasVoters(state: State, node: NodeId): boolean {
  const record = keeperOf(state, node).record.value;
  const rule = currentRule(record);
  const { reign } = record;
  if (reign === null || rule === undefined) return true;
  const voters = votersOf(rule, reign.holder);
  const streaming = sendersOf(state, node).filter(
    (each) => each.term === reign.term && voters.includes(each.node),
  );
  return streaming.length >= rule.k;
}

/** The input of `plan`. Slots and the checkpoints before a handover are taken as seen to. */
export function localView(node: NodeId, server: Server, keeper: Keeper): LocalView {
  const record = keeper.record.value;
  const { pledge, appliedRule, markerUnderWay } = keeper;
  const names = server.settings.synchronousStandbyNames;
  const isRunning = server.up === 'primary' || server.up === 'standby';
  const postgres = observe(server, { ...keeper, doing: null }, []);
  return {
    node,
    postgres,
    synchronousStandbyNames: !isRunning
      ? null
      : server.up === 'standby' && names === UNSATISFIABLE_NAMES
        ? ''
        : names,
    pledge: toPledge(pledge),
    promotedTerm: keeper.promotedTerm,
    servingTerm: keeper.servingTerm,
    restartsUsed: keeper.restartsUsed,
    copyOf: keeper.copyOf,
    diskTimeline: postgres.status === 'stopped' || postgres.status === 'crashed' ? server.wal.timeline : null,
    configured: keeper.knowsSettings ? server.settings : null,
    appliedRule: appliedRule && {
      cohort: appliedRule.cohort,
      k: appliedRule.k,
      term: appliedRule.term,
      change: appliedRule.change,
    },
    slotsFor: otherMembers(record, node),
    checkpointedFor: record.intent?.term ?? null,
    markerUnderWay: markerUnderWay && markerUnderWay.value,
    markerAcknowledged: keeper.markerAcknowledged,
    unansweredMs: 0,
    storeSilentMs: keeper.isStoreSilent ? LONG_MS : 0,
    keeperLagMs: 0,
    quorumSilentMs: keeper.isQuorumSilent ? LONG_MS : 0,
    // The search has no groups that need a lease.
    leaseLeftMs: 0,
    leaseGraceMs: 0,
    membersAskedMs: LONG_MS,
    walStillMs: LONG_MS,
    intentAgeMs: keeper.isIntentOld ? LONG_MS : 0,
  };
}

/** The input of `decide`. */
export function evidenceOf(record: GroupRecord, memory: Memory): Evidence {
  return {
    reports: memory.reports.flatMap((report) =>
      report === null ? [] : [{ report: report.value, ageMs: 0 }],
    ),
    deciderLagMs: 0,
    intentAgeMs: record.intent === null ? 0 : AGE_MS[memory.intentAge],
    deciderAgeMs: memory.isSettledIn ? AGE_MS[2] : 0,
    recentCrashFailovers: memory.crashFailovers,
    notStreaming: record.nodes
      .filter(({ id }) => id !== record.reign?.holder)
      .map(({ id }) => ({
        node: id,
        ageMs: memory.seenTerm === record.reign?.term ? AGE_MS[memory.notStreaming[id - 1]!] : 0,
        fellSilent: false,
      })),
  };
}

function toPledge(pledge: Keeper['pledge']): Pledge | null {
  if (pledge === null) return null;
  return { term: pledge.term, ...pledge.wal.lineage };
}
