import type { GroupRecord, NodeId } from './group-record.ts';

/** Who needs a replication slot on a node: everybody else, since everybody else may come to follow it. */
export function otherMembers(record: GroupRecord, node: NodeId): readonly NodeId[] {
  return record.nodes.filter((each) => each.id !== node && each.dropping === 'no').map((each) => each.id);
}

/** Whether two lists name the same nodes in the same order; false when one is not known. */
export function sameIds(a: readonly NodeId[], b: readonly NodeId[] | null): boolean {
  return b !== null && a.length === b.length && a.every((id, i) => id === b[i]);
}
