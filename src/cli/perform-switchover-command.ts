import type { Command } from 'commander';
import { carryOut, groupBefore, showPlan } from './carry-out.ts';
import { newReign } from './change-goal.ts';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { findNodeByName } from './find-node.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseName, withGroup, withWait, type GroupOptions, type WaitOptions } from './options.ts';

interface Options extends GroupOptions, WaitOptions {
  readonly name?: string;
  readonly dryRun?: true;
}

/** `pgbaton perform switchover`: hands the baton of a living primary over. */
export function performSwitchoverCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'switchover',
    'hand the role of the primary to another node, with nothing lost and no rewind',
    'pgbaton perform switchover',
    'pgbaton perform switchover --name node2 --dry-run',
  );
  return withWait(withGroup(command))
    .option('--name <node>', 'node that shall become the primary (default: the best one)', parseName)
    .option('--dry-run', 'print what would be done, and do nothing')
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client, local }) => {
          const address = { formation: formationOf(options, local), group: options.group };
          const before = await client.getGroup(address);
          const target =
            options.name === undefined ? undefined : findNodeByName(before, options.name, address);
          const body = {
            ...(target === undefined ? {} : { target: target.name }),
            requested_by: context.operator,
          };
          if (options.dryRun)
            return showPlan(ui, await client.switchover(address, { ...body, dry_run: true }));
          await carryOut(context, ui, {
            client,
            address,
            before,
            wait: options.wait,
            what: 'the switchover',
            goal: newReign(groupBefore(before), target?.node_id),
            send: () => client.switchover(address, body),
          });
        });
      }),
    );
}
