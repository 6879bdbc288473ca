import { isAnswering } from '../core/absence.ts';
import { findNode, type GroupRecord, type NodeId, type Position } from '../core/group-record.ts';
import { isAsyncRule } from '../core/lease.ts';
import type { Absence, Evidence, Report } from '../core/evidence.ts';

/**
 * What a decider has been told and when, on its own monotonic clock. Lost with
 * its process: a decider that starts anew accuses nobody of silence before it
 * has listened for the detection time itself. Nor does one in a keeper that
 * was deaf: when the first of the others is heard again, the rest have had no
 * time yet. Nor has a new holder that it was deaf to: that one's silence counts
 * from the beginning of the reign.
 */
export interface EvidenceBook {
  /** Keeps a report. false: it is older than one that is known, and changes nothing. */
  take(report: Report, record: GroupRecord): boolean;
  /** To be told after every change of the record, by whomever. */
  follow(before: GroupRecord | undefined, record: GroupRecord): void;
  evidence(record: GroupRecord, deciderLagMs: number): Evidence;
  reportOf(node: NodeId): Report | undefined;
  /** Since the last report of a node; undefined: it never reported. */
  reportAgeMs(node: NodeId): number | undefined;
}

interface Heard {
  readonly report: Report;
  readonly atMs: number;
}

/** When a standby was last seen streaming, and whether it answered its walsender then. */
interface Streamed {
  readonly atMs: number;
  readonly fellSilent: boolean;
}

/** `own`: the node of this decider, where it is in a keeper. It is cut off together with its node, and hears itself all the time. */
export function createEvidenceBook(now: () => number, own?: NodeId): EvidenceBook {
  const startedAtMs = now();
  let listensSinceMs = startedAtMs;
  let heardOthersAtMs = startedAtMs;
  const heard = new Map<NodeId, Heard>();
  const streamed = new Map<NodeId, Streamed>();
  let lastKnown: { readonly term: number; readonly end: Position } | undefined;
  let crashFailoversAtMs: readonly number[] = [];
  let intent = { stage: '', sinceMs: startedAtMs };
  let reign: { readonly term: number; readonly primarySinceMs: number } | undefined;

  /** When the holder was first seen as the primary of its term: before that nobody could stream from it. */
  function noteStreaming(report: Report, record: GroupRecord): void {
    const term = record.reign?.term;
    if (term === undefined || report.node !== record.reign?.holder) return;
    if (report.promotedTerm !== term || report.postgres.role !== 'primary') return;
    if (report.postgres.position !== null) lastKnown = { term, end: report.postgres.position };
    if (reign?.term !== term) {
      reign = { term, primarySinceMs: now() };
      streamed.clear();
    }
    for (const follower of report.postgres.followers) {
      if (follower.term === term && follower.state === 'streaming')
        streamed.set(follower.node, { atMs: now(), fellSilent: !isAnswering(follower) });
    }
  }

  function absenceOf(record: GroupRecord, node: NodeId): Absence {
    if (reign === undefined || reign.term !== record.reign?.term)
      return { node, ageMs: 0, fellSilent: false };
    const { atMs, fellSilent } = streamed.get(node) ?? { atMs: reign.primarySinceMs, fellSilent: false };
    return { node, ageMs: now() - atMs, fellSilent };
  }

  function noteHearing(node: NodeId, { settings }: GroupRecord): void {
    if (own === undefined || node === own) return;
    if (now() - heardOthersAtMs >= settings.detectionMs) listensSinceMs = now();
    heardOthersAtMs = now();
  }

  /** Others may have elected a node that this decider can't hear, or has not heard yet. */
  function isUnheard(node: NodeId, { settings }: GroupRecord): boolean {
    return now() - (heard.get(node)?.atMs ?? -Infinity) >= settings.detectionMs;
  }

  return {
    take(report, record) {
      const known = heard.get(report.node)?.report;
      // One that the record does not name would be missed from then on, and nobody waits for it.
      if (findNode(record, report.node) === undefined) return false;
      if (known !== undefined && isOlder(report, known)) return false;
      noteHearing(report.node, record);
      heard.set(report.node, { report, atMs: now() });
      noteStreaming(report, record);
      return true;
    },
    follow(before, record) {
      for (const node of heard.keys()) if (findNode(record, node) === undefined) heard.delete(node);
      const stage = record.intent === null ? '' : `${record.intent.term} ${record.intent.stage}`;
      if (stage !== intent.stage) intent = { stage, sinceMs: now() };
      const isNewReign = before !== undefined && before.reign?.term !== record.reign?.term;
      if (isNewReign && record.reign !== null && isUnheard(record.reign.holder, record))
        listensSinceMs = now();
      const { crashWindowMs } = record.settings;
      crashFailoversAtMs = crashFailoversAtMs.filter((atMs) => now() - atMs < crashWindowMs);
      if (isNewReign && record.reign?.cause === 'crash') crashFailoversAtMs = [...crashFailoversAtMs, now()];
    },
    evidence: (record, deciderLagMs) => ({
      reports: Array.from(heard.values(), ({ report, atMs }) => ({ report, ageMs: now() - atMs })),
      deciderLagMs,
      intentAgeMs: record.intent === null ? 0 : now() - intent.sinceMs,
      deciderAgeMs: now() - listensSinceMs,
      recentCrashFailovers: crashFailoversAtMs.filter((atMs) => now() - atMs < record.settings.crashWindowMs)
        .length,
      // Where a quorum tells what was acknowledged nobody asks for it.
      lastKnownEnd:
        lastKnown?.term === record.reign?.term && record.rules.some(isAsyncRule) ? lastKnown?.end : undefined,
      notStreaming: record.nodes
        .filter(({ id }) => id !== record.reign?.holder)
        .map(({ id }) => absenceOf(record, id)),
    }),
    reportOf: (node) => heard.get(node)?.report,
    reportAgeMs(node) {
      const known = heard.get(node);
      return known && now() - known.atMs;
    },
  };
}

/** A report may be held up on its way until later ones have come in, also those of the keeper's next start. */
export function isOlder(report: Report, known: Report): boolean {
  if (report.session !== known.session) return report.session < known.session;
  return report.sequence <= known.sequence;
}
