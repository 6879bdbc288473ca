import type { Command } from 'commander';
import type { NodeView } from '../api/schemas.ts';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { formatBytes, formatDuration } from './format-quantity.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, type GroupOptions } from './options.ts';
import { formatAddress } from './render-state.ts';
import { renderTable, type Column } from './render-table.ts';

/** `pgbaton show nodes`: role policy, health and lag of each node. */
export function showNodesCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'nodes',
    'show the role policy, the health and the lag of every node',
    'pgbaton show nodes',
  );
  return withGroup(command).action(
    act<GroupOptions>(async ({ options, ui }) => {
      await withConnection(context, options, async ({ client, local }) => {
        const address = { formation: formationOf(options, local), group: options.group };
        const { nodes } = await client.getGroup(address);
        ui.show(nodes, () => renderNodes(nodes));
      });
    }),
  );
}

const COLUMNS: readonly Column[] = [
  { title: 'Name' },
  { title: 'Node', minWidth: 5 },
  { title: 'Host:Port' },
  { title: 'Priority' },
  { title: 'Quorum' },
  { title: 'Health' },
  { title: 'Last Report' },
  { title: 'Behind' },
  { title: 'Activity', align: 'left' },
];

/** A row a node; what keeps a node from going on stands below the table. */
export function renderNodes(nodes: readonly NodeView[]): string {
  const table = renderTable(
    COLUMNS,
    nodes.map((node) => [
      node.name,
      String(node.node_id),
      formatAddress(node),
      String(node.candidate_priority),
      node.replication_quorum ? 'yes' : 'no',
      node.health,
      node.report_age_ms === null ? 'never' : formatDuration(node.report_age_ms),
      node.lag_bytes === null ? '?' : formatBytes(node.lag_bytes),
      node.activity ?? '',
    ]),
  );
  const problems = nodes.flatMap((node) =>
    node.problem === null ? [] : [`"${node.name}": ${node.problem}\n`],
  );
  return problems.length === 0 ? table : `${table}\n${problems.join('')}`;
}
