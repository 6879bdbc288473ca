import type { Report } from './evidence.ts';
import type { GroupRecord, NodeId } from './group-record.ts';

/**
 * What a change of reign goes through, in this order: the old primary was last
 * known to be well, it was known not to be, the change was decided, each member
 * promised the term (of a handover the old primary first), the new primary was
 * chosen, it was out of recovery, its first commit was acknowledged and clients
 * were let in, and the decider knew that.
 */
export const MILESTONE_STEPS = [
  'last_well',
  'down',
  'decided',
  'pledged',
  'elected',
  'promoted',
  'opened',
  'confirmed',
] as const;
export type MilestoneStep = (typeof MILESTONE_STEPS)[number];

export interface Milestone {
  readonly step: MilestoneStep;
  readonly node: NodeId;
  /** Since the change was decided, ms, when the decider learned of it; before that below zero. */
  readonly afterMs: number;
}

/** The milestones of the change of reign under way, or of the last one; a value that every report and decision leads on from. */
export interface ReignTimeline {
  /** The term that the change leads to; 0 before the first one. */
  readonly term: number;
  readonly decidedMs: number;
  readonly milestones: readonly Milestone[];
  /** The holder, when its server last ran as the primary, and when it was first known not to, monotonic ms. */
  readonly holder: { readonly node: NodeId; readonly wellMs: number; readonly downMs: number | null } | null;
}

export const EMPTY_TIMELINE: ReignTimeline = { term: 0, decidedMs: 0, milestones: [], holder: null };

/** After a report that came in at `nowMs`. */
export function afterReport(
  timeline: ReignTimeline,
  record: GroupRecord,
  report: Report,
  nowMs: number,
): ReignTimeline {
  const seen = seeHolder(timeline, record, report, nowMs);
  const { term } = seen;
  if (term === 0 || isOver(seen)) return seen;
  let next = seen;
  const reach = (step: MilestoneStep): void => void (next = withMilestone(next, step, report.node, nowMs));
  if ((report.pledge?.term ?? 0) >= term) reach('pledged');
  if (record.reign?.term !== term || record.reign.holder !== report.node) return next;
  if (report.promotedTerm === term && report.postgres.role === 'primary') reach('promoted');
  if (report.servingTerm === term) reach('opened');
  return next;
}

/** After a decision that was swapped in at `nowMs`. */
export function afterDecision(
  timeline: ReignTimeline,
  before: GroupRecord,
  next: GroupRecord,
  nowMs: number,
): ReignTimeline {
  const { intent, reign } = next;
  if (intent !== null && intent.term !== before.intent?.term) return begin(timeline, intent, nowMs);
  if (reign === null || reign.term !== timeline.term) return timeline;
  if (before.reign?.term !== reign.term) return withMilestone(timeline, 'elected', reign.holder, nowMs);
  if (!before.reign.confirmed && reign.confirmed)
    return withMilestone(timeline, 'confirmed', reign.holder, nowMs);
  return timeline;
}

/** The milestones of a reign once it is confirmed, in the order of time; undefined when not all of them were seen. */
export function milestonesOf(timeline: ReignTimeline, term: number): readonly Milestone[] | undefined {
  if (timeline.term !== term || !isOver(timeline)) return undefined;
  return timeline.milestones.toSorted((a, b) => a.afterMs - b.afterMs);
}

function begin(
  { holder }: ReignTimeline,
  intent: NonNullable<GroupRecord['intent']>,
  nowMs: number,
): ReignTimeline {
  const known = holder?.node === intent.from ? holder : null;
  const past = (step: MilestoneStep, atMs: number | null): readonly Milestone[] =>
    atMs === null ? [] : [{ step, node: intent.from, afterMs: atMs - nowMs }];
  return {
    term: intent.term,
    decidedMs: nowMs,
    holder,
    milestones: [
      ...past('last_well', known?.wellMs ?? null),
      ...past('down', known?.downMs ?? null),
      { step: 'decided', node: intent.from, afterMs: 0 },
    ],
  };
}

function seeHolder(
  timeline: ReignTimeline,
  { reign }: GroupRecord,
  { node, postgres }: Report,
  nowMs: number,
): ReignTimeline {
  if (reign?.holder !== node) return timeline;
  const known = timeline.holder?.node === node ? timeline.holder : null;
  if (postgres.status === 'running') return { ...timeline, holder: { node, wellMs: nowMs, downMs: null } };
  return known === null ? timeline : { ...timeline, holder: { ...known, downMs: known.downMs ?? nowMs } };
}

function withMilestone(
  timeline: ReignTimeline,
  step: MilestoneStep,
  node: NodeId,
  nowMs: number,
): ReignTimeline {
  if (timeline.milestones.some((known) => known.step === step && known.node === node)) return timeline;
  const milestone = { step, node, afterMs: nowMs - timeline.decidedMs };
  return { ...timeline, milestones: [...timeline.milestones, milestone] };
}

function isOver({ milestones }: ReignTimeline): boolean {
  return milestones.some(({ step }) => step === 'confirmed');
}
