import type { Command } from 'commander';
import { carryOut, groupBefore, showPlan } from './carry-out.ts';
import { newReign } from './change-goal.ts';
import type { CliContext } from './cli-context.ts';
import { confirmDataLoss } from './confirm-data-loss.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, withWait, type GroupOptions, type WaitOptions } from './options.ts';

interface Options extends GroupOptions, WaitOptions {
  readonly dryRun?: true;
  readonly allowDataLoss?: true;
  readonly yes?: true;
}

/** `pgbaton perform failover`: gives the primary up by hand; one that lives hands over. */
export function performFailoverCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'failover',
    'give up the present primary; one that still lives hands over as in a switchover',
    'pgbaton perform failover',
    'pgbaton perform failover --allow-data-loss',
  );
  return withWait(withGroup(command))
    .option('--dry-run', 'print what would be done, and do nothing')
    .option('--allow-data-loss', 'go on although too few nodes answer to prove that no commit is lost')
    .option('--yes', 'do not ask before data may be lost')
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client, local }) => {
          const address = { formation: formationOf(options, local), group: options.group };
          const before = await client.getGroup(address);
          const body = { allow_data_loss: options.allowDataLoss === true, requested_by: context.operator };
          if (options.dryRun) return showPlan(ui, await client.failover(address, { ...body, dry_run: true }));
          if (options.allowDataLoss) await confirmDataLoss(context, options.yes === true, before);
          await carryOut(context, ui, {
            client,
            address,
            before,
            wait: options.wait,
            what: 'the failover',
            goal: newReign(groupBefore(before)),
            send: () => client.failover(address, body),
          });
        });
      }),
    );
}
