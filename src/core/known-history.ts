import type { GroupRecord, Reign } from './group-record.ts';
import { sameSwitches, type Lineage, type TimelineSwitch } from './lineage.ts';

/**
 * The part of a node's WAL that the group's own reigns account for; null when
 * there is none. What lies on a timeline that no reign has begun comes from a
 * promotion by hand: its number says nothing about how much the node has.
 */
export function knownPart(record: GroupRecord, lineage: Lineage): Lineage | null {
  const { position, history } = lineage;
  if (isKnown(record, position.timeline, history)) return lineage;
  return history.length === 0 ? null : knownPart(record, beforeFork(lineage));
}

/** A lineage without its last timeline: the same one when it has no other. */
function beforeFork(lineage: Lineage): Lineage {
  const last = lineage.history.at(-1);
  if (last === undefined) return lineage;
  return { position: { timeline: last.timeline, lsn: last.end }, history: lineage.history.slice(0, -1) };
}

function isKnown(record: GroupRecord, timeline: number, history: readonly TimelineSwitch[]): boolean {
  const reigns = [...(record.reign === null ? [] : [record.reign]), ...record.pastReigns];
  return reigns.some((reign) => accountsFor(reign, timeline, history));
}

function accountsFor(reign: Reign, timeline: number, history: readonly TimelineSwitch[]): boolean {
  if (reign.history !== null) {
    if (reign.timeline === timeline) return sameSwitches(history, reign.history);
    return isAncestor(reign.history, timeline, history);
  }
  // It was lost before anybody learned where its timeline began; it began at its basis.
  const { basis } = reign;
  if (basis === null) return reign.timeline === timeline;
  if (reign.timeline === timeline) {
    return (
      history.at(-1)?.timeline === basis.position.timeline &&
      sameSwitches(history.slice(0, -1), basis.history)
    );
  }
  if (basis.position.timeline === timeline) return sameSwitches(history, basis.history);
  return isAncestor(basis.history, timeline, history);
}

function isAncestor(
  known: readonly TimelineSwitch[],
  timeline: number,
  history: readonly TimelineSwitch[],
): boolean {
  const index = known.findIndex((entry) => entry.timeline === timeline);
  return index >= 0 && sameSwitches(history, known.slice(0, index));
}
