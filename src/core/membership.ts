import { isAway } from './absence.ts';
import type { Evidence } from './evidence.ts';
import {
  currentRule,
  findNode,
  nameOf,
  type GroupRecord,
  type NodeEntry,
  type NodeId,
  type Rule,
} from './group-record.ts';
import { isAsyncRule } from './lease.ts';
import { relationTo } from './lineage.ts';
import { liveReport } from './live-report.ts';
import { lagBytes } from './lsn.ts';
import { effectiveNumberSync, sameRule } from './quorum.ts';

export interface WantedRule {
  readonly rule: Rule;
  readonly because: string;
}

/**
 * The cohort and k that the present situation asks for; undefined when the
 * rule that the primary works towards is right already.
 *
 * Who is away stays in the cohort: only a person (drop, maintenance,
 * replication quorum), a long absence that costs no copies, or the loss of all
 * voters under number_sync_standbys = 0 take a member out.
 */
export function wantedRule(record: GroupRecord, evidence: Evidence): WantedRule | undefined {
  const current = currentRule(record);
  const holder = record.reign?.holder;
  if (current === undefined || holder === undefined) return undefined;

  const reasons: string[] = [];
  const staying = current.cohort.filter((node) => node !== holder && !mustLeave(findNode(record, node)));
  const leaving = current.cohort.filter((node) => node !== holder && !staying.includes(node));
  const joining = record.nodes
    .filter((node) => !current.cohort.includes(node.id) && mayJoin(record, evidence, node))
    .map((node) => node.id);
  const present = afterAbsences(record, evidence, staying.concat(joining), current.k);

  if (leaving.length > 0) reasons.push(`${names(record, leaving)} may no longer vote`);
  if (joining.length > 0) reasons.push(`${names(record, joining)} streams and has caught up`);
  reasons.push(...present.reasons);

  const k = kOf(record, present.voters);
  if (reasons.length === 0 && k === current.k) return undefined;
  const rule = { cohort: cohortOf(holder, present.voters), k };
  if (sameRule(rule, current)) return undefined;
  if (reasons.length === 0 && rule.k === 0) reasons.push('the durability of the group is async');
  if (reasons.length === 0) reasons.push(`number_sync_standbys is ${effectiveNumberSync(record)}`);
  return { rule, because: `${reasons.join('; ')}: ${describeRule(record, rule)}` };
}

/** The cohort of a holder and its voters; k is 1 or number_sync_standbys, as far as there are voters. */
export function ruleFor(holder: NodeId, voters: readonly NodeId[], numberSync: number): Rule {
  return { cohort: cohortOf(holder, voters), k: kFor(voters, numberSync) };
}

function cohortOf(holder: NodeId, voters: readonly NodeId[]): readonly NodeId[] {
  return [holder, ...voters].sort((a, b) => a - b);
}

function kFor(voters: readonly NodeId[], numberSync: number): number {
  return Math.min(voters.length, Math.max(1, numberSync));
}

function kOf(record: GroupRecord, voters: readonly NodeId[]): number {
  return record.settings.durability === 'async' ? 0 : kFor(voters, effectiveNumberSync(record));
}

/** A rule in words: `commits stand on 2 of "a", "b", "c"`. */
export function describeRule(record: GroupRecord, rule: Rule): string {
  if (isAsyncRule(rule)) return `commits wait for nobody; the members are ${names(record, rule.cohort)}`;
  return rule.k === 0
    ? `commits stand on ${names(record, rule.cohort)} alone`
    : `commits stand on ${rule.k + 1} of ${names(record, rule.cohort)}`;
}

/**
 * Takes out voters that are away. With number_sync_standbys = 0 the primary
 * goes on alone as soon as none of its voters is left, unless its commits wait
 * for nobody anyway.
 */
function afterAbsences(
  record: GroupRecord,
  evidence: Evidence,
  voters: readonly NodeId[],
  k: number,
): Present {
  const { detectionMs, durability } = record.settings;
  const numberSync = effectiveNumberSync(record);
  if (durability === 'async') return afterLongAbsences(record, evidence, voters, 1);
  if (numberSync === 0 && voters.length > 0 && voters.every((node) => isAway(record, evidence, node))) {
    return {
      voters: [],
      reasons: [`no voter has streamed for ${detectionMs} ms and number_sync_standbys is 0`],
    };
  }
  return afterLongAbsences(record, evidence, voters, Math.max(k, numberSync, 1));
}

/** Who has been away for long is taken out, but never so that fewer than `least` are left. */
function afterLongAbsences(
  record: GroupRecord,
  evidence: Evidence,
  voters: readonly NodeId[],
  least: number,
): Present {
  const { absentMs } = record.settings;
  const awayMs = (node: NodeId): number =>
    evidence.notStreaming.find((each) => each.node === node)?.ageMs ?? 0;
  const gone = voters.filter((node) => awayMs(node) >= absentMs);
  if (gone.length === 0) return { voters, reasons: [] };
  const left = voters.filter((node) => !gone.includes(node));
  const keepsCopies = left.length >= least;
  if (!keepsCopies) return { voters, reasons: [] };
  return { voters: left, reasons: [`${names(record, gone)} has been away for more than ${absentMs} ms`] };
}

interface Present {
  readonly voters: readonly NodeId[];
  readonly reasons: readonly string[];
}

/** Whether people have taken a node out of those that count. */
export function mustLeave(node: NodeEntry | undefined): boolean {
  return node === undefined || !node.replicationQuorum || node.maintenance || node.dropping !== 'no';
}

/** A voter streams in the present term, on the reign's own history, close to the holder's end of WAL (I16). */
function mayJoin(record: GroupRecord, evidence: Evidence, node: NodeEntry): boolean {
  const { reign, settings } = record;
  if (reign === null || node.id === reign.holder || mustLeave(node)) return false;
  const holder = liveReport(record, evidence, reign.holder)?.postgres;
  const standby = liveReport(record, evidence, node.id)?.postgres;
  if (holder?.position == null || standby?.position == null || standby.role !== 'standby') return false;

  const follower = holder.followers.find((each) => each.node === node.id && each.term === reign.term);
  if (follower?.state !== 'streaming' || follower.flushLsn === null) return false;
  if (relationTo(reign, { position: standby.position, history: standby.history }) !== 'contained')
    return false;
  return lagBytes(holder.position.lsn, follower.flushLsn) <= settings.admissionLagBytes;
}

function names(record: GroupRecord, nodes: readonly NodeId[]): string {
  return nodes.map((node) => nameOf(record, node)).join(', ');
}
