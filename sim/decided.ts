import type { Decision } from '../src/core/decide.ts';
import { isForeign, reportOf, type Evidence, type Report } from '../src/core/evidence.ts';
import type { GroupRecord, NodeId, Reign } from '../src/core/group-record.ts';
import type { World } from './world.ts';

/** A decision with what was known when it was made. */
export interface Decided {
  readonly world: World;
  readonly before: GroupRecord;
  readonly decision: Decision;
  readonly evidence: Evidence;
  /** For how long the decider has heard others, ms. */
  readonly listenedMs: number;
}

export type Offence = readonly [invariant: string, detail: string];
export type Check = (decided: Decided, reign: Reign) => Offence | undefined;

/** The report of a node that is not older than the detection time. Data of another system are none (I11). */
export function heard(
  { before, evidence }: Pick<Decided, 'before' | 'evidence'>,
  node: NodeId,
): Report | undefined {
  const aged = reportOf(evidence, node);
  if (aged === undefined || aged.ageMs >= before.settings.detectionMs) return undefined;
  const { report } = aged;
  if (!isForeign(before, report.postgres)) return report;
  return { ...report, postgres: { ...report.postgres, status: 'absent', role: null } };
}
