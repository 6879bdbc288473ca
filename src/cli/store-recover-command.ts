import type { Command } from 'commander';
import { showPlan } from './carry-out.ts';
import type { CliContext } from './cli-context.ts';
import { confirmLoss } from './confirm-data-loss.ts';
import { formationOf, withConnection, type Connection } from './connect-monitor.ts';
import { listNames } from './format-quantity.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseName, parsePositive, withGroup, type GroupOptions } from './options.ts';

interface Options extends GroupOptions {
  readonly nodes: number;
  readonly missing?: readonly string[];
  readonly from?: string;
  readonly allowDataLoss?: true;
  readonly yes?: true;
  readonly dryRun?: true;
}

/** `pgbaton store recover`: gives a monitor that has lost its store, or has an old copy of it, the group back. */
export function storeRecoverCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'recover',
    "bring a group back into the monitor's store from what its nodes know; their servers go on meanwhile",
    'pgbaton store recover --pgdata ./node_1 --nodes 3 --dry-run',
    'pgbaton store recover --pgdata ./node_1 --nodes 3 --missing node_3',
  );
  return withGroup(command)
    .requiredOption(
      '--nodes <count>',
      'how many nodes the group has, the missing ones included',
      parsePositive,
    )
    .option('--missing <name...>', 'nodes that are off, and stay off until this is done')
    .option(
      '--from <node>',
      'whose record to take where the nodes have records of different lines',
      parseName,
    )
    .option('--allow-data-loss', 'go on although a missing primary may have acknowledged commits alone')
    .option('--yes', 'do not ask before data may be lost')
    .option('--dry-run', 'print what would be done, and do nothing')
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client, local }) => {
          const address = { formation: formationOf(options, local), group: options.group };
          const secrets = await secretsOf(context, local, address.formation);
          const body = {
            nodes: options.nodes,
            missing: [...(options.missing ?? [])],
            allow_data_loss: options.allowDataLoss === true,
            requested_by: context.operator,
            ...(options.from === undefined ? {} : { from: options.from }),
            ...(secrets === undefined ? {} : { secrets }),
          };
          const plan = await client.recoverGroup(address, { ...body, dry_run: true });
          if (options.dryRun) return showPlan(ui, plan);
          if (options.allowDataLoss)
            await confirmLoss(context, options.yes === true, lossOf(options.missing ?? []));
          const accepted = await client.recoverGroup(address, body);
          ui.show(accepted, () => `The group is ${accepted.because}.\n`);
          if (secrets === undefined)
            ui.note(
              "HINT:  The group's passwords were not sent. A monitor that was made anew needs them before another node can join: run this with the --pgdata of a node.",
            );
        });
      }),
    );
}

/** The passwords that the node of --pgdata has, if it is one of the group. */
async function secretsOf(context: CliContext, local: Connection['local'], formation: string) {
  if (local?.role !== 'postgres' || local.config.formation !== formation) return undefined;
  const secrets = await context.services.readSecrets(local.files.secretsFile);
  if (secrets === undefined) return undefined;
  return { keeper_password: secrets.keeperPassword, replication_password: secrets.replicationPassword };
}

function lossOf(missing: readonly string[]): string {
  return `What only ${listNames(missing)} acknowledged will be lost.`;
}
