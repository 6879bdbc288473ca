import type { NodeView } from '../api/schemas.ts';
import { renderTable, type Column } from './render-table.ts';

/** The columns that operators know from pg_auto_failover. */
export const STATE_COLUMNS: readonly Column[] = [
  { title: 'Name' },
  { title: 'Node', minWidth: 5 },
  { title: 'Host:Port' },
  { title: 'TLI: LSN', minWidth: 14 },
  { title: 'Connection', minWidth: 12 },
  { title: 'Reported State', minWidth: 19 },
  { title: 'Assigned State', minWidth: 19 },
];

/** `show state`: one row a node. */
export function renderState(nodes: readonly NodeView[]): string {
  return renderTable(STATE_COLUMNS, nodes.map(stateCells));
}

export function stateCells(node: NodeView): readonly string[] {
  return [
    node.name,
    String(node.node_id),
    formatAddress(node),
    formatPosition(node),
    node.connection,
    node.reported_state,
    node.assigned_state,
  ];
}

export function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `1: 0/3001648`; a dash for a node that has not reported where its WAL ends. */
export function formatPosition({ timeline, lsn }: Pick<NodeView, 'timeline' | 'lsn'>): string {
  return timeline === null || lsn === null ? '-' : `${timeline}: ${lsn}`;
}

/** Whether the monitor has not heard from the node's keeper for the detection time. */
export function isSilent(node: Pick<NodeView, 'connection'>): boolean {
  return node.connection.endsWith('!');
}
