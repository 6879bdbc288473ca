import type { Lineage, TimelineSwitch } from '../core/lineage.ts';
import type { Position } from '../core/group-record.ts';
import { compareLsn, type Lsn } from '../core/lsn.ts';

/** How the WAL here stands to a source's, by timelines alone: equal numbers still have to be proven by content. */
export type ForkPoint =
  /** All of it is in the source's history. */
  | { readonly kind: 'contained' }
  /** The last point that both went through. */
  | { readonly kind: 'forked'; readonly at: Position }
  /** The same timeline number with different histories, or no common one: nothing can be taken back. */
  | { readonly kind: 'unrelated'; readonly because: string };

/** Compares the way that the local WAL took with the source's. */
export function findForkPoint(local: Lineage, source: Lineage): ForkPoint {
  const localWay = wayOf(local);
  const sourceWay = wayOf(source);
  let common: Position | undefined;
  for (const [index, here] of localWay.entries()) {
    const there = sourceWay[index];
    if (there?.timeline !== here.timeline) break;
    const end = earlier(here.end, there.end);
    common = { timeline: here.timeline, lsn: end };
    const isLast = index === localWay.length - 1;
    if (isLast && compareLsn(here.end, there.end) <= 0) return { kind: 'contained' };
    if (isLast && index === sourceWay.length - 1) {
      return unrelated(`timeline ${here.timeline} goes on here behind its end at the source`);
    }
    // Both went on, from different points: whatever carries the same number next is not the same timeline.
    if (compareLsn(here.end, there.end) !== 0) {
      const reused = localWay
        .slice(index + 1)
        .find((later) => sourceWay.some((other) => other.timeline === later.timeline));
      if (reused)
        return unrelated(`timeline ${reused.timeline} began at different points here and at the source`);
      break;
    }
  }
  return common === undefined ? unrelated('no timeline in common') : { kind: 'forked', at: common };
}

/** The timelines of a lineage with their ends, oldest first, the present one included. */
function wayOf({ position, history }: Lineage): readonly TimelineSwitch[] {
  return [...history, { timeline: position.timeline, end: position.lsn }];
}

function earlier(a: Lsn, b: Lsn): Lsn {
  return compareLsn(a, b) <= 0 ? a : b;
}

function unrelated(because: string): ForkPoint {
  return { kind: 'unrelated', because };
}
