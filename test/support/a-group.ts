import type { Evidence, Follower, PostgresReport, Report } from '../../src/core/evidence.ts';
import {
  DEFAULT_SETTINGS,
  type GroupRecord,
  type GroupSettings,
  type Intent,
  type NodeEntry,
  type NodeId,
  type Reign,
  type Rule,
} from '../../src/core/group-record.ts';
import type { LocalView } from '../../src/core/action.ts';
import { reignTimelineAfter } from '../../src/core/lineage.ts';

/** What differs from a healthy node that streams, votes and reports every moment. */
export interface NodeOptions {
  readonly entry?: Partial<NodeEntry>;
  /** false: the node is registered and outside of the cohort. */
  readonly votes?: boolean;
  /** Since its last report, ms; null: it never reported. */
  readonly silentMs?: number | null;
  /** Since it was last seen streaming from the holder, ms. */
  readonly awayMs?: number;
  /** It did not answer its walsender when it was last seen. */
  readonly fellSilent?: boolean;
  readonly report?: Partial<Report>;
  readonly postgres?: Partial<PostgresReport>;
}

/** Builds the record and the evidence of a group; healthy but for what a test says. */
export interface GroupBuilder {
  withPrimary(name: string, options?: NodeOptions): GroupBuilder;
  withStandby(name: string, options?: NodeOptions): GroupBuilder;
  withSettings(settings: Partial<GroupSettings>): GroupBuilder;
  withReign(reign: Partial<Reign>): GroupBuilder;
  withIntent(intent: Partial<Intent>): GroupBuilder;
  withRules(...rules: readonly Rule[]): GroupBuilder;
  withRecord(changes: Partial<GroupRecord>): GroupBuilder;
  withEvidence(changes: Partial<Omit<Evidence, 'reports'>>): GroupBuilder;
  record(): GroupRecord;
  evidence(): Evidence;
  /** What the keeper of a node sees. */
  local(name: string, changes?: Partial<LocalView>): LocalView;
  idOf(name: string): NodeId;
}

/** The end of the WAL of every node that a test says nothing about. */
export const END_OF_WAL = '0/5000000';
export const SYSTEM_IDENTIFIER = '7300000000000000001';
/** The term of the group, where a test says nothing else. */
export const TERM = 3;
/** The timeline of the reign, where a test says nothing else. */
export const TIMELINE = 2;
/** Where the timeline before it ended. */
export const HISTORY = [{ timeline: 1, end: '0/3000000' }] as const;

interface Member {
  readonly id: NodeId;
  readonly name: string;
  readonly isPrimary: boolean;
  readonly options: NodeOptions;
}

export function aGroup(): GroupBuilder {
  const members: Member[] = [];
  let settings: GroupSettings = DEFAULT_SETTINGS;
  let reign: Partial<Reign> = {};
  let intent: Intent | null = null;
  let rules: readonly Rule[] | null = null;
  let recordChanges: Partial<GroupRecord> = {};
  let evidenceChanges: Partial<Omit<Evidence, 'reports'>> = {};

  const idOf = (name: string): NodeId => {
    const member = members.find((each) => each.name === name);
    if (member === undefined) throw new Error(`no node "${name}" in this group`);
    return member.id;
  };
  const holderId = (): NodeId => members.find((each) => each.isPrimary)?.id ?? 1;
  const add = (name: string, isPrimary: boolean, options: NodeOptions): GroupBuilder => {
    members.push({ id: members.length + 1, name, isPrimary, options });
    return builder;
  };
  const record = (): GroupRecord =>
    buildRecord(members, holderId(), settings, reign, intent, rules, recordChanges);

  const builder: GroupBuilder = {
    withPrimary: (name, options = {}) => add(name, true, options),
    withStandby: (name, options = {}) => add(name, false, options),
    withSettings: (changes) => ((settings = { ...settings, ...changes }), builder),
    withReign: (changes) => ((reign = { ...reign, ...changes }), builder),
    withIntent: (changes) => ((intent = anIntent(holderId(), changes)), builder),
    withRules: (...wanted) => ((rules = wanted), builder),
    withRecord: (changes) => ((recordChanges = { ...recordChanges, ...changes }), builder),
    withEvidence: (changes) => ((evidenceChanges = { ...evidenceChanges, ...changes }), builder),
    record,
    evidence: () => buildEvidence(members, record(), evidenceChanges),
    local: (name, changes = {}) => buildLocal(buildReport(members, record(), idOf(name)), changes),
    idOf,
  };
  return builder;
}

function buildRecord(
  members: readonly Member[],
  holder: NodeId,
  settings: GroupSettings,
  reign: Partial<Reign>,
  intent: Intent | null,
  rules: readonly Rule[] | null,
  changes: Partial<GroupRecord>,
): GroupRecord {
  const cohort = members.filter((each) => each.options.votes !== false).map((each) => each.id);
  const numberSync = settings.numberSyncStandbys ?? 1;
  return {
    schemaVersion: 1,
    home: { incarnations: ['a store'], writers: [] },
    formation: 'default',
    group: 0,
    systemIdentifier: SYSTEM_IDENTIFIER,
    term: intent?.term ?? TERM,
    reign: {
      term: TERM,
      holder,
      timeline: TIMELINE,
      basis: { position: { timeline: 1, lsn: '0/3000000' }, history: [] },
      history: HISTORY,
      confirmed: true,
      restarts: 0,
      cause: 'switchover',
      because: 'a test begins',
      ...reign,
    },
    pastReigns: [],
    rules: rules ?? [{ cohort, k: Math.min(cohort.length - 1, Math.max(1, numberSync)) }],
    ruleChanges: 1,
    intent,
    nodes: members.map((each) => ({
      id: each.id,
      name: each.name,
      host: `${each.name}.example`,
      port: 5432,
      candidatePriority: 50,
      replicationQuorum: true,
      maintenance: false,
      dropping: 'no',
      ...each.options.entry,
    })),
    nextNodeId: members.length + 1,
    nextTimeline: reignTimelineAfter(TIMELINE),
    settings,
    ...changes,
  };
}

function buildEvidence(
  members: readonly Member[],
  record: GroupRecord,
  changes: Partial<Omit<Evidence, 'reports'>>,
): Evidence {
  return {
    reports: members.flatMap((each) =>
      each.options.silentMs === null
        ? []
        : [{ report: buildReport(members, record, each.id), ageMs: each.options.silentMs ?? 10 }],
    ),
    deciderLagMs: 0,
    intentAgeMs: 0,
    deciderAgeMs: 3_600_000,
    recentCrashFailovers: 0,
    notStreaming: members
      .filter((each) => !each.isPrimary)
      .map(({ id, options }) => ({
        node: id,
        ageMs: options.awayMs ?? 10,
        fellSilent: options.fellSilent ?? false,
      })),
    ...changes,
  };
}

function buildReport(members: readonly Member[], record: GroupRecord, id: NodeId): Report {
  const member = members.find((each) => each.id === id);
  const holder = record.nodes.find((node) => node.id === record.reign?.holder);
  const term = record.reign?.term ?? 0;
  const isPrimary = member?.isPrimary ?? false;
  const streaming = members.filter((each) => !each.isPrimary && (each.options.awayMs ?? 0) === 0);
  const postgres: PostgresReport = {
    status: 'running',
    systemIdentifier: SYSTEM_IDENTIFIER,
    serverVersion: 150_018,
    role: isPrimary ? 'primary' : 'standby',
    position: { timeline: TIMELINE, lsn: END_OF_WAL },
    history: HISTORY,
    markerTerm: term,
    upstream: isPrimary ? null : { term, host: holder?.host ?? '', port: holder?.port ?? 0, silentMs: 10 },
    followers: isPrimary ? streaming.map((each) => aFollower(each.id, term)) : [],
    ...member?.options.postgres,
  };
  return {
    node: id,
    session: 1,
    sequence: 1,
    recordVersion: 1,
    postgres,
    unansweredMs: 0,
    pledge: null,
    promotedTerm: isPrimary ? term : null,
    restartsUsed: 0,
    servingTerm: isPrimary ? term : null,
    confirmedRule: null,
    unfit: null,
    activity: null,
    problem: null,
    ...member?.options.report,
  };
}

function buildLocal(report: Report, changes: Partial<LocalView>): LocalView {
  return {
    node: report.node,
    postgres: report.postgres,
    synchronousStandbyNames: null,
    pledge: report.pledge,
    promotedTerm: report.promotedTerm,
    servingTerm: report.servingTerm,
    restartsUsed: report.restartsUsed,
    copyOf: null,
    diskTimeline: null,
    configured: null,
    appliedRule: null,
    slotsFor: null,
    checkpointedFor: null,
    markerUnderWay: null,
    markerAcknowledged: null,
    unansweredMs: report.unansweredMs,
    leaseLeftMs: 0,
    leaseGraceMs: 0,
    membersAskedMs: Infinity,
    walStillMs: 0,
    storeSilentMs: 0,
    keeperLagMs: 0,
    quorumSilentMs: 0,
    intentAgeMs: 0,
    ...changes,
  };
}

/** A walsender of the holder, for a voter that has everything. */
export function aFollower(node: NodeId, term: number = TERM, changes: Partial<Follower> = {}): Follower {
  return {
    node,
    term,
    state: 'streaming',
    flushLsn: END_OF_WAL,
    replayLsn: END_OF_WAL,
    syncPriority: 1,
    silentMs: 10,
    ...changes,
  };
}

function anIntent(from: NodeId, changes: Partial<Intent>): Intent {
  return {
    kind: 'failover',
    term: TERM + 1,
    stage: 'elect',
    from,
    target: null,
    cleanEnd: null,
    fetch: null,
    cause: 'crash',
    because: 'a test asked for it',
    allowDataLoss: false,
    ...changes,
  };
}
