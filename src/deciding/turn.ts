import type { GroupRecord, NodeId } from '../core/group-record.ts';
import type { EvidenceBook } from './evidence-book.ts';

/** How many deciders of a group are to speak before this one; 0: it speaks at once. */
export type Turn = (record: GroupRecord, book: Pick<EvidenceBook, 'reportAgeMs'>) => number;

/** How long each of those who are to speak first is given, ms: an answer of the store, and its way back. */
export const TURN_MS = 150;

/** A keeper that has left out so many heartbeats may be gone. */
const HEARTBEATS_MISSED = 2;

/** A decider that hears less than half of the group may be the one that is cut off: the others are given so many turns. */
const TURNS_OF_OTHERS = 20;

/**
 * The turn of the decider in the keeper of a node: those who are heard first,
 * and the holder last of them, since it may be the one who is judged. It keeps
 * deciders from writing over each other; that they may is what the swap on
 * exactly the version that was read is for.
 */
export function turnOf(node: NodeId): Turn {
  return (record, book) => {
    const holder = record.reign?.holder;
    const heardMs = HEARTBEATS_MISSED * record.settings.heartbeatMs + TURN_MS;
    const heard = record.nodes
      .map(({ id }) => id)
      .filter((id) => id === node || (book.reportAgeMs(id) ?? Infinity) < heardMs);
    const before = heard.filter((id) => (node === holder ? id !== node : id !== holder && id < node)).length;
    return heard.length * 2 < record.nodes.length ? before + TURNS_OF_OTHERS : before;
  };
}

/** Of somebody who asks a group for something and leaves the deciding to its keepers. */
export const NEVER: Turn = () => Infinity;
