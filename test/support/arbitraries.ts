import fc from 'fast-check';
import type {
  Evidence,
  Follower,
  Pledge,
  PostgresReport,
  Report,
  Upstream,
} from '../../src/core/evidence.ts';
import {
  DEFAULT_SETTINGS,
  type GroupRecord,
  type Intent,
  type NodeEntry,
  type NodeId,
  type Position,
  type Reign,
  type Rule,
} from '../../src/core/group-record.ts';
import type { TimelineSwitch } from '../../src/core/lineage.ts';
import type { LocalView } from '../../src/core/action.ts';
import type { ServerSettings } from '../../src/core/server-settings.ts';

/**
 * Records, evidence and local views out of small values, so that they often
 * fit together: sensible ones as well as ones that nobody would expect. The
 * core has to be total over all of them.
 */

const aNode: fc.Arbitrary<NodeId> = fc.integer({ min: 1, max: 3 });
const aTerm = fc.integer({ min: 1, max: 4 });
const aTimeline = fc.integer({ min: 1, max: 4 });
const anLsn = fc.constantFrom('0/1000000', '0/2000000', '0/3000000', '0/4000000');
const anAge = fc.constantFrom(0, 100, 600, 2_500, 4_000, 6_000, 40_000, 400_000);
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

const aPosition: fc.Arbitrary<Position> = fc.record({ timeline: aTimeline, lsn: anLsn });
const aHistory: fc.Arbitrary<readonly TimelineSwitch[]> = fc.constantFrom(
  [],
  [{ timeline: 1, end: '0/2000000' }],
  [
    { timeline: 1, end: '0/2000000' },
    { timeline: 2, end: '0/3000000' },
  ],
);
const aPledge: fc.Arbitrary<Pledge> = fc.record({
  term: aTerm,
  position: aPosition,
  history: aHistory,
});

const aRule: fc.Arbitrary<Rule> = fc
  .constantFrom<readonly NodeId[]>([1], [1, 2], [1, 3], [1, 2, 3], [2], [2, 3])
  .chain((cohort) =>
    fc.record({ cohort: fc.constant(cohort), k: fc.integer({ min: 0, max: cohort.length - 1 }) }),
  );

const aReign: fc.Arbitrary<Reign> = fc.record({
  term: aTerm,
  holder: aNode,
  timeline: aTimeline,
  basis: orNull(fc.record({ position: aPosition, history: aHistory })),
  history: orNull(aHistory),
  confirmed: fc.boolean(),
  restarts: fc.nat(2),
  cause: fc.constantFrom('first', 'switchover', 'crash', 'lost', 'forced'),
  because: fc.constant('of chance'),
});

const anIntent: fc.Arbitrary<Intent> = fc.record({
  kind: fc.constantFrom('handover', 'failover'),
  term: aTerm,
  stage: fc.constantFrom('drain', 'elect', 'fetch'),
  from: aNode,
  target: orNull(aNode),
  cleanEnd: orNull(aPosition),
  fetch: orNull(fc.record({ candidate: aNode, source: aNode, upTo: aPosition })),
  cause: fc.constantFrom('switchover', 'crash', 'lost', 'forced'),
  because: fc.constant('of chance'),
  allowDataLoss: fc.boolean(),
});

function anEntry(id: NodeId): fc.Arbitrary<NodeEntry> {
  return fc.record({
    id: fc.constant(id),
    name: fc.constant(`n${id}`),
    host: fc.constant(`n${id}.example`),
    port: fc.constant(5432),
    candidatePriority: fc.constantFrom(0, 50, 90),
    replicationQuorum: fc.constantFrom(true, true, false),
    maintenance: fc.constantFrom(false, false, true),
    dropping: fc.constantFrom('no', 'no', 'asked', 'forced'),
  });
}

export const aRecord: fc.Arbitrary<GroupRecord> = fc
  .record({
    schemaVersion: fc.constant(1 as const),
    home: fc.constant({ incarnations: ['a store'], writers: [] }),
    formation: fc.constant('default'),
    group: fc.constant(0),
    systemIdentifier: orNull(fc.constant('7')),
    term: fc.constant(0),
    reign: orNull(aReign),
    pastReigns: fc.constant([]),
    rules: fc.array(aRule, { minLength: 1, maxLength: 3 }),
    ruleChanges: fc.constantFrom(1, 2),
    intent: orNull(anIntent),
    nodes: fc
      .tuple(anEntry(1), anEntry(2), anEntry(3))
      .chain((nodes) => fc.subarray(nodes, { minLength: 1 })),
    nextNodeId: fc.constant(4),
    nextTimeline: fc.constant(5),
    settings: fc.record({
      ...Object.fromEntries(
        Object.entries(DEFAULT_SETTINGS).map(([key, value]) => [key, fc.constant(value)]),
      ),
      numberSyncStandbys: fc.constantFrom(null, 0, 1, 2),
      paused: fc.constantFrom(false, false, true),
    }) as fc.Arbitrary<typeof DEFAULT_SETTINGS>,
  })
  .map((record) => {
    const reignTerm = record.reign?.term ?? 0;
    // An intent always names a term that is newer than the reign.
    const intent = record.intent === null ? null : { ...record.intent, term: reignTerm + record.intent.term };
    return { ...record, intent, term: intent?.term ?? reignTerm };
  });

const aFollower: fc.Arbitrary<Follower> = fc.record({
  node: aNode,
  term: aTerm,
  state: fc.constantFrom('streaming', 'streaming', 'catchup', 'startup'),
  flushLsn: orNull(anLsn),
  replayLsn: orNull(anLsn),
  syncPriority: fc.nat(1),
  silentMs: anAge,
});

const anUpstream: fc.Arbitrary<Upstream> = fc.record({
  term: aTerm,
  host: fc.constantFrom('n1.example', 'n2.example'),
  port: fc.constant(5432),
  silentMs: anAge,
});

const aPostgres: fc.Arbitrary<PostgresReport> = fc.record({
  status: fc.constantFrom(
    'absent',
    'incomplete',
    'stopped',
    'crashed',
    'starting',
    'running',
    'running',
    'unresponsive',
  ),
  systemIdentifier: orNull(fc.constantFrom('7', '7', '8')),
  serverVersion: fc.constant(150_018),
  role: fc.constantFrom('primary', 'standby', null),
  position: orNull(aPosition),
  history: aHistory,
  markerTerm: orNull(aTerm),
  upstream: orNull(anUpstream),
  followers: fc.array(aFollower, { maxLength: 3 }),
});

function aReport(node: NodeId): fc.Arbitrary<Report> {
  return fc.record({
    node: fc.constant(node),
    session: fc.constant(1),
    sequence: fc.constant(1),
    recordVersion: fc.constant(1),
    postgres: aPostgres,
    unansweredMs: anAge,
    pledge: orNull(aPledge),
    promotedTerm: orNull(aTerm),
    restartsUsed: fc.nat(2),
    servingTerm: orNull(aTerm),
    confirmedRule: orNull(
      fc
        .tuple(aRule, aTerm, fc.constantFrom(1, 2))
        .map(([rule, term, change]) => ({ ...rule, term, change })),
    ),
    unfit: fc.constantFrom(null, null, 'no watchdog'),
    activity: fc.constant(null),
    problem: fc.constant(null),
  });
}

const anAbsence = fc.record({ ageMs: anAge, fellSilent: fc.boolean() });

export const someEvidence: fc.Arbitrary<Evidence> = fc.record({
  reports: fc
    .tuple(aReport(1), aReport(2), aReport(3))
    .chain((reports) => fc.subarray(reports))
    .chain((reports) =>
      fc.tuple(...reports.map((report) => fc.record({ report: fc.constant(report), ageMs: anAge }))),
    ),
  deciderLagMs: fc.constantFrom(0, 0, 5_000),
  intentAgeMs: anAge,
  deciderAgeMs: fc.constantFrom(0, 1_000_000),
  recentCrashFailovers: fc.nat(3),
  notStreaming: fc
    .tuple(anAbsence, anAbsence, anAbsence)
    .map((absences) => absences.map((absence, index) => ({ node: index + 1, ...absence }))),
});

const someSettings: fc.Arbitrary<ServerSettings> = fc.record({
  upstream: orNull(
    fc.record({ node: aNode, host: fc.constant('n1.example'), port: fc.constant(5432), term: aTerm }),
  ),
  synchronousStandbyNames: fc.constantFrom('', 'ANY 1 ("pgbaton_2@1")'),
  readOnly: fc.boolean(),
  locked: fc.boolean(),
  peers: fc.constantFrom<readonly string[]>([], ['n2.example', 'n3.example']),
});

export const aLocalView: fc.Arbitrary<LocalView> = fc.record({
  node: aNode,
  postgres: aPostgres,
  synchronousStandbyNames: fc.constantFrom(null, '', 'ANY 1 ("pgbaton_2@1")'),
  pledge: orNull(aPledge),
  promotedTerm: orNull(aTerm),
  servingTerm: orNull(aTerm),
  restartsUsed: fc.nat(2),
  copyOf: orNull(aTerm),
  diskTimeline: orNull(fc.constantFrom(1, 2, 3)),
  configured: orNull(someSettings),
  appliedRule: orNull(
    fc.tuple(aRule, aTerm, fc.constantFrom(1, 2)).map(([rule, term, change]) => ({ ...rule, term, change })),
  ),
  slotsFor: orNull(fc.constantFrom<readonly NodeId[]>([], [2, 3])),
  checkpointedFor: orNull(aTerm),
  markerUnderWay: orNull(aTerm),
  markerAcknowledged: orNull(aTerm),
  unansweredMs: anAge,
  storeSilentMs: anAge,
  keeperLagMs: anAge,
  quorumSilentMs: anAge,
  leaseLeftMs: anAge,
  leaseGraceMs: anAge,
  membersAskedMs: anAge,
  walStillMs: anAge,
  intentAgeMs: anAge,
});
