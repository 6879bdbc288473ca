import { compareLsn, isLsn } from '../core/lsn.ts';
import type { Lineage, TimelineSwitch } from '../core/lineage.ts';
import type { Position } from '../core/group-record.ts';

/** `0000000A.history` for timeline 10. */
export function historyFileName(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/** The timeline of a history file's name; undefined for other names. */
export function timelineOfHistoryFile(name: string): number | undefined {
  const match = /^([0-9A-F]{8})\.history$/.exec(name);
  return match ? Number.parseInt(match[1] ?? '', 16) : undefined;
}

/** The timeline of a WAL segment's name, a partial one included; undefined for other names. */
export function timelineOfSegment(name: string): number | undefined {
  const match = /^([0-9A-F]{8})[0-9A-F]{16}(\.partial)?$/.exec(name);
  return match ? Number.parseInt(match[1] ?? '', 16) : undefined;
}

/** Reads a timeline history file. Lines that are comments, empty or broken are passed over, as PostgreSQL does. */
export function parseHistory(text: string): readonly TimelineSwitch[] {
  const switches: TimelineSwitch[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line);
    const [, timeline, end] = match ?? [];
    if (timeline !== undefined && end !== undefined && isLsn(end))
      switches.push({ timeline: Number(timeline), end });
  }
  return switches;
}

/**
 * The timeline that an end of WAL belongs to. A standby that starts to receive
 * timeline 2 writes the segment from its beginning: until it is past the fork,
 * all that it has is still timeline 1, and must not be taken for more.
 */
export function lineageAt(position: Position, history: readonly TimelineSwitch[]): Lineage {
  const last = history.at(-1);
  if (last === undefined || compareLsn(position.lsn, last.end) > 0) return { position, history };
  return lineageAt({ timeline: last.timeline, lsn: position.lsn }, history.slice(0, -1));
}
