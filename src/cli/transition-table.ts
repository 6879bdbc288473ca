import type { NodeView } from '../api/schemas.ts';
import { formatClock } from './format-quantity.ts';
import { layOut, renderHeader, renderRow, type Column } from './render-table.ts';
import { formatAddress } from './render-state.ts';

const COLUMNS: readonly Column[] = [
  { title: 'Time', minWidth: 12 },
  { title: 'Name' },
  { title: 'Node', minWidth: 5 },
  { title: 'Host:Port' },
  { title: 'Current State', minWidth: 19 },
  { title: 'Assigned State', minWidth: 19 },
];

/** One change of a node's states. */
export interface Transition {
  readonly at: Date;
  readonly node: NodeView;
}

/** A table whose rows are known one after the other, as things happen. */
export interface TransitionTable {
  /** The lines for a node as it is now, the header before the first; none when its states are those known already. */
  linesFor(transition: Transition): readonly string[];
}

/** `nodes`: as they are before anything happens; they give the widths and are not shown. */
export function createTransitionTable(nodes: readonly NodeView[]): TransitionTable {
  const layout = layOut(
    COLUMNS,
    nodes.map((node) => ['', node.name, String(node.node_id), formatAddress(node), '', '']),
  );
  const known = new Map(nodes.map((node) => [node.node_id, statesOf(node)]));
  let headed = false;
  return {
    linesFor({ at, node }) {
      if (known.get(node.node_id) === statesOf(node)) return [];
      known.set(node.node_id, statesOf(node));
      const row = renderRow(layout, [
        formatClock(at),
        node.name,
        String(node.node_id),
        formatAddress(node),
        node.reported_state,
        node.assigned_state,
      ]);
      const header = headed ? [] : renderHeader(layout);
      headed = true;
      return [...header, row];
    },
  };
}

function statesOf(node: NodeView): string {
  return `${node.reported_state} ${node.assigned_state}`;
}
