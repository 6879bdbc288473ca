import { isDeepStrictEqual } from 'node:util';
import { decide, type Decision } from '../../core/decide.ts';
import type { Evidence } from '../../core/evidence.ts';
import { DEFAULT_SETTINGS, type GroupRecord } from '../../core/group-record.ts';
import type { Incident, IncidentEntry } from './incident-file.ts';

/** One event of an incident, and what a replay made of it. */
export interface ReplayedStep {
  readonly entry: IncidentEntry;
  /** The record that was read; undefined when it is not known, or nothing was changed. */
  readonly read: GroupRecord | undefined;
  readonly outcome: ReplayOutcome;
}

export type ReplayOutcome =
  /** It is no change of the record. */
  | { readonly kind: 'none' }
  /** A person or a joining keeper asked for it: its result is taken as it is. */
  | { readonly kind: 'request' }
  /** The record or the evidence of this decision is not in the file. */
  | { readonly kind: 'gap'; readonly because: string }
  | { readonly kind: 'same' }
  | {
      readonly kind: 'different';
      readonly replayed: Decision | undefined;
      /** Why there is no replayed decision, or what differs. */
      readonly because: string;
    };

/** Runs every decision of an incident through this program's own policy. */
export function replayIncident({ entries }: Incident): readonly ReplayedStep[] {
  let previous: GroupRecord | undefined;
  return entries.map((entry) => {
    const read = readOf(entry, previous);
    // A change whose result was not kept leaves nothing that the next could have read.
    if (entry.record !== undefined || isChange(entry)) previous = entry.record;
    return { entry, read, outcome: outcomeOf(entry, read) };
  });
}

function isChange({ kind }: IncidentEntry): boolean {
  return kind === 'decision' || kind === 'operator';
}

function readOf({ read }: IncidentEntry, previous: GroupRecord | undefined): GroupRecord | undefined {
  if (read === 'previous') return previous;
  return read === 'unknown' ? undefined : read;
}

function outcomeOf(entry: IncidentEntry, read: GroupRecord | undefined): ReplayOutcome {
  if (!isChange(entry)) return { kind: 'none' };
  if (entry.record === undefined)
    return { kind: 'gap', because: 'its records were not kept: an older version of pgbaton wrote it' };
  if (read === undefined)
    return {
      kind: 'gap',
      because: 'the change before it is not in the history any more, or not in the file',
    };
  if (entry.kind === 'operator') return { kind: 'request' };
  if (entry.inputs === undefined) return { kind: 'gap', because: 'its evidence is not in the file' };
  return replayDecision(entry, entry.record, read, entry.inputs);
}

function replayDecision(
  recorded: IncidentEntry,
  result: GroupRecord,
  read: GroupRecord,
  inputs: Evidence,
): ReplayOutcome {
  let replayed: Decision | undefined;
  try {
    replayed = decide(withDefaults(read), inputs);
  } catch (error) {
    const because = `the policy failed: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: 'different', replayed: undefined, because };
  }
  if (replayed === undefined) return { kind: 'different', replayed, because: 'nothing was decided' };
  const differing = [
    ...(replayed.rule === recorded.rule ? [] : ['rule']),
    ...(replayed.because === recorded.because ? [] : ['reason']),
    ...(isDeepStrictEqual(asStored(replayed.next), withDefaults(result)) ? [] : ['record']),
  ];
  if (differing.length === 0) return { kind: 'same' };
  return { kind: 'different', replayed, because: `another ${differing.join(', ')}` };
}

/** As the monitor reads it: settings that a newer version brought have their defaults. */
function withDefaults(record: GroupRecord): GroupRecord {
  return { ...record, settings: { ...DEFAULT_SETTINGS, ...record.settings } };
}

/** Without what does not survive being written down, as keys that are undefined. */
function asStored(record: GroupRecord): GroupRecord {
  return JSON.parse(JSON.stringify(record)) as GroupRecord;
}

/** How many steps ended in which way. */
export function countOutcomes(
  steps: readonly ReplayedStep[],
): Readonly<Record<ReplayOutcome['kind'], number>> {
  const counts = { none: 0, request: 0, gap: 0, same: 0, different: 0 };
  for (const { outcome } of steps) counts[outcome.kind] += 1;
  return counts;
}
