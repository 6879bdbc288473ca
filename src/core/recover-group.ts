import { accepted, refused, type Answer, type Refused } from './answer.ts';
import { stampOfReport, type Report } from './evidence.ts';
import { findNode, nameOf, type GroupRecord, type NodeEntry } from './group-record.ts';
import { hasMoved } from './move-record.ts';
import { mayGoOnAlone } from './quorum.ts';
import { movedHome, standingOf, stampOf } from './record-home.ts';

/** A node that reports, with the record of its journal. */
export interface Caller {
  readonly report: Report;
  /** null: it has none, or has not sent it yet. */
  readonly record: GroupRecord | null;
}

/** What a person says who has a group recovered from its nodes. */
export interface RecoveryRequest {
  /** How many nodes the group has, those that are missing included. */
  readonly nodes: number;
  /** Names of nodes that are off, and stay off until this is done. */
  readonly missing: readonly string[];
  /** The name of the node whose record is taken where no record is the newest; null: the newest. */
  readonly from: string | null;
  /** What a missing primary may have acknowledged by itself may be lost. */
  readonly allowDataLoss: boolean;
  readonly requestedBy: string;
  /** Random, for the record's new home. */
  readonly incarnation: string;
}

/*
 * What the lost store may have named and nobody here has seen is jumped over:
 * terms and changes of the rule count in nothing but themselves; timelines cost
 * a promotion an empty file each, and node ids are read by people.
 */
const TERM_JUMP = 1_000;
const RULE_CHANGE_JUMP = 1_000;
const TIMELINE_JUMP = 10;
const NODE_ID_JUMP = 100;

interface Candidate {
  readonly report: Report;
  readonly record: GroupRecord;
}

/**
 * The record of a group whose store was lost or restored from an old copy, from
 * what its nodes have in their journals: the newest of theirs, in a new
 * incarnation, past every number that the store may have given out.
 *
 * Nothing that was in force is missing in it. A change of the rule and a reign
 * become effective through their holder, and a pledge through the node that
 * gives it, and each of them has written the record down before. So a decision
 * that nobody who is here has seen was followed by nobody who is here.
 */
export function recoverGroup(
  own: { readonly record: GroupRecord; readonly version: number } | null,
  callers: readonly Caller[],
  request: RecoveryRequest,
): Answer {
  const candidates = callers.flatMap(({ report, record }) => (record === null ? [] : [{ report, record }]));
  if (
    own !== null &&
    own.record.nodes.length > 0 &&
    !hasMoved(own.record) &&
    candidates.every((each) => isOf(each, own))
  )
    return refused(
      'BATON_REFUSED',
      'there is nothing to recover: no node has a record that this store does not have',
      'Nodes report within a second, if they run and have the address and the token of this monitor: `pgbaton show state`.',
    );
  const chosen = choose(candidates, request.from);
  if (chosen === undefined || 'kind' in chosen) return chosen ?? nobodyHere();
  const refusal = whoIsMissing(chosen, callers, request);
  if (refusal !== undefined) return refusal;
  const records = [...candidates.map(({ record }) => record), ...(own === null ? [] : [own.record])];
  const next = renumbered(chosen.record, records, callers, request.incarnation);
  const because = `recovered by ${request.requestedBy} from the record of ${describe(chosen)}`;
  return { ...accepted(next, because), plan: planOf(chosen, next, callers, request) };
}

function isOf(
  { report, record }: Candidate,
  own: { readonly record: GroupRecord; readonly version: number },
) {
  return standingOf(stampOf(record, report.recordVersion), own.record, own.version) === 'known';
}

function nobodyHere(): Refused {
  return refused(
    'BATON_REFUSED',
    'no node of the group has reported a record',
    "Their keepers must run, with this monitor's address (monitor.uri in pgbaton.yaml) and token. They report within a second; the log of a keeper tells what keeps it from that.",
  );
}

/** The record of which all others are earlier versions; where there is none, the one that a person names. */
function choose(candidates: readonly Candidate[], from: string | null): Candidate | Refused | undefined {
  if (candidates.length === 0) return undefined;
  const newest = candidates.find(({ record, report }) =>
    candidates.every((other) => isOf(other, { record, version: report.recordVersion })),
  );
  if (from === null) return newest ?? linesDiffer(candidates);
  const named = candidates.find(({ report, record }) => findNode(record, report.node)?.name === from);
  if (named === undefined)
    return refused('BATON_NODE_NOT_FOUND', `no node "${from}" has reported a record`, 'Check its name.');
  if (newest !== undefined && !isOf(newest, { record: named.record, version: named.report.recordVersion }))
    return refused(
      'BATON_UNSAFE',
      `the record of ${describe(named)} is an earlier version of that of ${describe(newest)}`,
      'Leave --from out: what was decided since is in the newer one.',
    );
  return named;
}

function linesDiffer(candidates: readonly Candidate[]): Refused {
  return refused(
    'BATON_UNSAFE',
    `the nodes have records of different lines: ${candidates.map(describe).join('; ')}`,
    'A store that had been restored has decided for some of them. Name the node whose record is right with --from: that of the primary which the applications have written to.',
  );
}

function describe({ report, record }: Candidate): string {
  const { reign } = record;
  const primary = reign === null ? 'no primary' : `primary ${nameOf(record, reign.holder)}`;
  return `${nameOf(record, report.node)} (version ${report.recordVersion}, term ${record.term}, ${primary})`;
}

/** Refuses as long as a node that may have a newer record has neither reported nor been given up by name. */
function whoIsMissing(
  { record, report: { recordVersion } }: Candidate,
  callers: readonly Caller[],
  { nodes, missing, allowDataLoss }: RecoveryRequest,
): Refused | undefined {
  const isHere = ({ id }: NodeEntry): boolean =>
    callers.some(
      ({ report, record: own }) =>
        report.node === id &&
        (own !== null || standingOf(stampOfReport(report), record, recordVersion) === 'known'),
    );
  const silent = record.nodes.filter((node) => !isHere(node));
  const unexplained = silent.filter(({ name }) => !missing.includes(name));
  if (unexplained.length > 0)
    return refused(
      'BATON_UNSAFE',
      `${listOf(unexplained)} ${unexplained.length === 1 ? 'has' : 'have'} not reported, and may have a newer record`,
      `Start ${unexplained.length === 1 ? 'its keeper' : 'their keepers'}. One that is off and stays off until this is done is named with --missing.`,
    );
  const wrong = missing.find((name) => !silent.some((node) => node.name === name));
  if (wrong !== undefined)
    return refused(
      'BATON_REFUSED',
      `"${wrong}" is named as missing, and ${record.nodes.some(({ name }) => name === wrong) ? 'reports here' : 'is no node of the group'}`,
      'Leave it out.',
    );
  if (nodes !== record.nodes.length)
    return refused(
      'BATON_UNSAFE',
      `the newest record has ${record.nodes.length} nodes (${listOf(record.nodes)}), and you say ${nodes}`,
      'A node that the others have not heard of may have a newer record: start its keeper. If the number was wrong, give the right one with --nodes.',
    );
  const holder = silent.find(({ id }) => id === record.reign?.holder);
  if (holder !== undefined && !allowDataLoss && mayGoOnAlone(record))
    return refused(
      'BATON_UNSAFE',
      `"${holder.name}" was the primary, and may have gone on without its standbys since`,
      'Start its keeper. If it is gone for good, go on with --allow-data-loss: what it acknowledged alone is lost.',
    );
  return undefined;
}

/**
 * The record past every number that may have been given out. A change of reign
 * is left to `decide`, which begins it anew where it is still needed: nobody
 * can know how far the lost store has taken it.
 */
function renumbered(
  record: GroupRecord,
  records: readonly GroupRecord[],
  callers: readonly Caller[],
  incarnation: string,
): GroupRecord {
  const reports = callers.map(({ report }) => report);
  const terms = reports.flatMap(({ pledge, promotedTerm, servingTerm, postgres }) => [
    pledge?.term ?? 0,
    promotedTerm ?? 0,
    servingTerm ?? 0,
    postgres.markerTerm ?? 0,
    postgres.upstream?.term ?? 0,
  ]);
  const timelines = reports.flatMap(({ pledge, postgres }) => [
    pledge?.position.timeline ?? 0,
    postgres.position?.timeline ?? 0,
  ]);
  const ids = reports.map(({ node }) => node);
  const greatest = (field: 'term' | 'ruleChanges' | 'nextTimeline' | 'nextNodeId'): number =>
    Math.max(...records.map((each) => each[field]));
  const { intent } = record;
  return {
    ...record,
    home: movedHome(
      record.home,
      incarnation,
      records.map(({ home }) => home),
    ),
    // Whoever recovers a group has decided where it lives.
    move: undefined,
    term: Math.max(greatest('term'), ...terms) + TERM_JUMP,
    ruleChanges: greatest('ruleChanges') + RULE_CHANGE_JUMP,
    nextTimeline: Math.max(greatest('nextTimeline'), ...timelines.map((each) => each + 1)) + TIMELINE_JUMP,
    nextNodeId: Math.max(greatest('nextNodeId'), ...ids.map((id) => id + 1)) + NODE_ID_JUMP,
    intent: null,
    // What a handover was to make room for does not come about either, also where a failover has come of it.
    nodes: record.nodes.map((node) =>
      node.id === intent?.from ? { ...node, maintenance: false, dropping: 'no' as const } : node,
    ),
  };
}

function planOf(
  chosen: Candidate,
  next: GroupRecord,
  callers: readonly Caller[],
  { missing, incarnation }: RecoveryRequest,
): readonly string[] {
  const { record } = chosen;
  const others = callers.filter(({ report }) => report.node !== chosen.report.node);
  return [
    `the record of ${describe(chosen)} is taken`,
    ...others.map(({ report }) =>
      findNode(record, report.node) === undefined
        ? `node ${report.node} is not in it: it stops its server and ends`
        : `${nameOf(record, report.node)} has version ${report.recordVersion} and follows`,
    ),
    ...missing.map((name) => `"${name}" is missing, and follows when it comes back`),
    ...(record.intent === null
      ? []
      : [
          `the ${record.intent.kind} to term ${record.intent.term} that was under way is decided anew, if it is still needed`,
        ]),
    ...takenBack(record, next),
    `the next term is ${next.term + 1}, past all that the lost store may have named; servers and clients notice nothing`,
    `the record's new home is ${incarnation}: what a store of before says is refused from then on`,
  ];
}

/** What a person has asked for and has to ask for again. */
function takenBack(record: GroupRecord, next: GroupRecord): readonly string[] {
  return record.nodes.flatMap(({ id, name, maintenance, dropping }) => {
    const after = findNode(next, id);
    const asked = [
      ...(maintenance && after?.maintenance === false ? ['maintenance'] : []),
      ...(dropping !== 'no' && after?.dropping === 'no' ? ['removal'] : []),
    ];
    return asked.map(
      (what) =>
        `the ${what} of "${name}" is taken back with the change of primary that it asked for: ask for it again`,
    );
  });
}

function listOf(nodes: readonly NodeEntry[]): string {
  return nodes.map(({ name }) => `"${name}"`).join(', ');
}
