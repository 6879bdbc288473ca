import type { Incident, IncidentHeader } from './incident-file.ts';
import { describeRecordChanges } from './describe-changes.ts';
import { countOutcomes, type ReplayedStep } from './replay-incident.ts';

/** What `replay --json` prints. */
export interface ReplayJson {
  readonly incident: IncidentHeader;
  readonly summary: {
    readonly same: number;
    readonly different: number;
    readonly gaps: number;
    readonly requests: number;
  };
  readonly steps: readonly object[];
}

/** The replay for programs: with both decisions where they differ. */
export function toJson({ header }: Incident, steps: readonly ReplayedStep[]): ReplayJson {
  const { same, different, gap, request } = countOutcomes(steps);
  return {
    incident: header,
    summary: { same, different, gaps: gap, requests: request },
    steps: steps.filter(({ outcome }) => outcome.kind !== 'none').map(stepJson),
  };
}

function stepJson({ entry, read, outcome }: ReplayedStep): object {
  const { id, at, kind, rule, because, term, record_version, inputs, record } = entry;
  return {
    event: id,
    at,
    kind,
    term,
    record_version,
    rule,
    because,
    outcome: outcome.kind,
    ...(outcome.kind === 'gap' || outcome.kind === 'different' ? { outcome_because: outcome.because } : {}),
    changes: read === undefined || record === undefined ? [] : describeRecordChanges(read, record),
    inputs,
    ...(outcome.kind === 'different'
      ? { recorded: { rule, because, record }, replayed: outcome.replayed ?? null }
      : {}),
  };
}
