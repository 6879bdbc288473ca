import type { GroupRecord, NodeId } from '../core/group-record.ts';
import type { EvidenceBook } from './evidence-book.ts';

/** How many deciders of a group are to speak before this one; 0: it speaks at once. */
export type Turn = (record: GroupRecord, book: Pick<EvidenceBook, 'reportAgeMs'>) => number;

/** How long each of those who are to speak first is given, ms: an answer of the store, and its way back. */
export const TURN_MS = 150;

/** Two heartbeats: a keeper that was heard of longer ago may be gone, ms. */
const HEARD_MS = 1_000;

/**
 * The turn of the decider in the keeper of a node: those who are heard first,
 * and the holder last of them, since it may be the one who is judged. It keeps
 * deciders from writing over each other; that they may is what the swap on
 * exactly the version that was read is for.
 */
export function turnOf(node: NodeId): Turn {
  return (record, book) => {
    const holder = record.reign?.holder;
    const classOf = (id: NodeId): number => {
      const isHeard = id === node || (book.reportAgeMs(id) ?? Infinity) < HEARD_MS;
      return (isHeard ? 0 : 2) + (id === holder ? 1 : 0);
    };
    const own = classOf(node);
    return record.nodes.filter(({ id }) => {
      const other = classOf(id);
      return other < own || (other === own && id < node);
    }).length;
  };
}

/** Of somebody who asks a group for something and leaves the deciding to its keepers. */
export const NEVER: Turn = () => Infinity;
