import type { GroupRecord, Reign } from './group-record.ts';
import { sameSwitches, type Lineage, type TimelineSwitch } from './lineage.ts';
import { compareLsn } from './lsn.ts';

/**
 * Whether WAL beyond the fork of a confirmed reign lacks the marker that the
 * reign began with. Such WAL comes from a promotion by hand from the same
 * point, onto the same timeline number: nothing but the marker tells the two
 * apart (I10). `markerTerm` must be known for all of the WAL, or null.
 */
export function lacksMarker(
  record: GroupRecord,
  { position, history }: Lineage,
  markerTerm: number | null,
): boolean {
  const reign = [record.reign, ...record.pastReigns].find((each) => each?.timeline === position.timeline);
  const fork = history.at(-1)?.end;
  if (reign == null || fork === undefined || !reign.confirmed || reign.basis === null || markerTerm === null)
    return false;
  return markerTerm < reign.term && compareLsn(position.lsn, fork) > 0;
}

/**
 * Whether WAL beyond the fork of a reign is on a node that was neither
 * promoted in that reign nor ever made to receive from it. Such WAL comes from
 * a promotion by hand onto the number that the reign has, too (I10).
 */
export function isTwin(record: GroupRecord, { position, history }: Lineage, provenTerm: number): boolean {
  const reign = [record.reign, ...record.pastReigns].find((each) => each?.timeline === position.timeline);
  const fork = history.at(-1)?.end;
  if (reign == null || fork === undefined || reign.basis === null) return false;
  return provenTerm < reign.term && compareLsn(position.lsn, fork) > 0;
}

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
export function beforeFork(lineage: Lineage): Lineage {
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
