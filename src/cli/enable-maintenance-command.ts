import type { Command } from 'commander';
import { carryOut, groupBefore } from './carry-out.ts';
import { inMaintenance } from './change-goal.ts';
import type { CliContext } from './cli-context.ts';
import { addressOfNode, nodeNameOf, withConnection } from './connect-monitor.ts';
import { findNodeByName } from './find-node.ts';
import { newCommand, type Act } from './new-command.ts';
import { withNode, withWait, type NodeOptions, type WaitOptions } from './options.ts';

interface Options extends NodeOptions, WaitOptions {
  readonly allowFailover?: true;
}

/** `pgbaton enable maintenance`: leaves a node alone, so that people can work on it. */
export function enableMaintenanceCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'maintenance',
    'leave a node alone until maintenance is disabled, so that you can stop and change it',
    'pgbaton enable maintenance --name node2',
    'pgbaton enable maintenance --name node1 --allow-failover',
  );
  return withWait(withNode(command))
    .option('--allow-failover', 'if the node is the primary, hand that role to another node first')
    .action(
      act<Options>(async ({ options, ui }) => {
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
            what: 'maintenance',
            goal: inMaintenance(groupBefore(before), node.node_id),
            send: () =>
              client.enableMaintenance(address.formation, node.name, {
                allowFailover: options.allowFailover === true,
              }),
          });
        });
      }),
    );
}
