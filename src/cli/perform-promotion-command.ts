import type { Command } from 'commander';
import { BatonError } from '../lib/baton-error.ts';
import { carryOut, groupBefore, showPlan } from './carry-out.ts';
import { newReign } from './change-goal.ts';
import type { CliContext } from './cli-context.ts';
import { confirmDataLoss } from './confirm-data-loss.ts';
import { formationOf, nodeNameOf, withConnection } from './connect-monitor.ts';
import { findNodeByName } from './find-node.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, withWait, type GroupOptions, type WaitOptions, parseName } from './options.ts';

interface Options extends GroupOptions, WaitOptions {
  readonly name?: string;
  readonly dryRun?: true;
  readonly allowDataLoss?: true;
  readonly yes?: true;
}

/** `pgbaton perform promotion`: makes one node the primary, whether the present one lives or not. */
export function performPromotionCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'promotion',
    'make a certain node the primary, whether the present one lives or not',
    'pgbaton perform promotion --name node2',
  );
  return withWait(withGroup(command))
    .option('--name <node>', 'node that shall become the primary (default: that of --pgdata)', parseName)
    .option('--dry-run', 'print what would be done, and do nothing')
    .option('--allow-data-loss', 'go on although too few nodes answer to prove that no commit is lost')
    .option('--yes', 'do not ask before data may be lost')
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async (connection) => {
          const { client, local } = connection;
          const address = { formation: formationOf(options, local), group: options.group };
          const before = await client.getGroup(address);
          const target = findNodeByName(before, await nodeNameOf(options, connection), address);
          const body = {
            target: target.name,
            allow_data_loss: options.allowDataLoss === true,
            requested_by: context.operator,
          };
          if (options.dryRun) return showPlan(ui, await client.failover(address, { ...body, dry_run: true }));
          if (before.record.reign?.holder === target.node_id) {
            throw new BatonError('BATON_REFUSED', `"${target.name}" is the primary already`);
          }
          if (options.allowDataLoss) await confirmDataLoss(context, options.yes === true, before);
          await carryOut(context, ui, {
            client,
            address,
            before,
            wait: options.wait,
            what: 'the promotion',
            goal: newReign(groupBefore(before), target.node_id),
            send: () => client.failover(address, body),
          });
        });
      }),
    );
}
