import type { Command } from 'commander';
import { carryOut, groupBefore } from './carry-out.ts';
import { outOfMaintenance } from './change-goal.ts';
import type { CliContext } from './cli-context.ts';
import { addressOfNode, nodeNameOf, withConnection } from './connect-monitor.ts';
import { findNodeByName } from './find-node.ts';
import { newCommand, type Act } from './new-command.ts';
import { withNode, withWait, type NodeOptions, type WaitOptions } from './options.ts';

/** `pgbaton disable maintenance`: lets the keeper bring a node back. */
export function disableMaintenanceCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'maintenance',
    'end the maintenance of a node: its keeper brings it back as a standby',
    'pgbaton disable maintenance --name node2',
  );
  return withWait(withNode(command)).action(
    act<NodeOptions & WaitOptions>(async ({ options, ui }) => {
      await withConnection(context, options, async (connection) => {
        const { client } = connection;
        const name = await nodeNameOf(options, connection);
        const address = addressOfNode(options, connection);
        const before = await client.getGroup(address);
        const node = findNodeByName(before, name, address);
        await carryOut(context, ui, {
          client,
          address,
          before,
          wait: options.wait,
          what: 'the end of maintenance',
          goal: outOfMaintenance(groupBefore(before), node.node_id),
          send: () => client.disableMaintenance(address.formation, node.name),
        });
      });
    }),
  );
}
