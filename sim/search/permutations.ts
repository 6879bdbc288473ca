import type { NodeId } from '../../src/core/group-record.ts';

/** The members of the group; the monitor is place 0 of the network. */
export const NODES: readonly NodeId[] = [1, 2, 3];

/** A renaming of the nodes: node `i` becomes `renaming[i]`. The monitor, 0, stays. */
export type Renaming = readonly number[];

/** All of them; the first leaves everything as it is. */
export const RENAMINGS: readonly Renaming[] = [
  [0, 1, 2, 3],
  [0, 1, 3, 2],
  [0, 2, 1, 3],
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [0, 3, 2, 1],
];

/** For each renaming the place of the one that undoes it. */
export const INVERSE: readonly number[] = RENAMINGS.map((renaming) =>
  RENAMINGS.findIndex((other) => NODES.every((node) => other[renaming[node]!] === node)),
);

export function renamed(node: NodeId, by: number): NodeId {
  return RENAMINGS[by]![node]!;
}

/** Nodes in ascending order under their new names. */
export function renamedAll(nodes: readonly NodeId[], by: number): readonly NodeId[] {
  return nodes.map((node) => renamed(node, by)).sort((a, b) => a - b);
}

/** What belongs to node i, at place i - 1, put where it belongs under the new names. */
export function rearranged<T>(ofNodes: readonly T[], by: number): readonly T[] {
  const next = [...ofNodes];
  for (const node of NODES) next[renamed(node, by) - 1] = ofNodes[node - 1]!;
  return next;
}
