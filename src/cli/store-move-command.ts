import type { Command } from 'commander';
import { parseEtcdUri } from '../config/etcd-uri.ts';
import { parseMonitorUri } from '../config/monitor-uri.ts';
import { kindOfHome } from '../config/node-home.ts';
import { BatonError } from '../lib/baton-error.ts';
import { showPlan } from './carry-out.ts';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { moveGroup } from './move-group.ts';
import { newCommand, type Act } from './new-command.ts';
import { parsePositive, withGroup, type GroupOptions } from './options.ts';

interface Options extends GroupOptions {
  readonly to: string;
  readonly wait: number;
  readonly undo?: true;
  readonly dryRun?: true;
}

/** `pgbaton store move`: the group's decisions get another home, while its clients write. */
export function storeMoveCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'move',
    'move a group from a monitor into etcd, from etcd to a monitor, or between two of a kind; its servers go on meanwhile',
    'pgbaton store move --to etcd://db1:2379,db2:2379,db3:2379 --dry-run',
    'pgbaton store move --to pgbaton://monitor.example.org:5000?sslmode=require',
  );
  return withGroup(command)
    .requiredOption(
      '--to <uri>',
      'the new home, etcd://… or pgbaton://…; files that it names must be on every node',
    )
    .option(
      '--wait <seconds>',
      'how long the nodes are given to try the new home, and then to follow',
      parsePositive,
      60,
    )
    .option('--undo', 'forget a move that was interrupted before it was done')
    .option('--dry-run', 'print what would be done, and do nothing')
    .action(
      act<Options>(async ({ options, ui }) => {
        const { to } = options;
        checkUri(to);
        await withConnection(context, options, async (connection) => {
          const { client, local } = connection;
          const address = { formation: formationOf(options, local), group: options.group };
          const body = { to, requested_by: context.operator };
          if (options.dryRun)
            return showPlan(
              ui,
              await client.moveGroup(address, { ...body, step: 'announce', dry_run: true }),
            );
          if (options.undo) {
            const undone = await client.moveGroup(address, { ...body, step: 'undo' });
            return ui.show(undone, () => `Done: ${undone.because}.\n`);
          }
          await moveGroup(context, ui, { connection, address, to, waitMs: options.wait * 1_000 });
        });
      }),
    );
}

/** Keepers read it where they are, and not where this command runs. Throws BATON_USAGE. */
function checkUri(to: string): void {
  const files =
    kindOfHome(to) === 'store'
      ? (({ passwordFile, sslrootcert, sslcert, sslkey }) => [passwordFile, sslrootcert, sslcert, sslkey])(
          parseEtcdUri(to),
        )
      : [parseMonitorUri(to).sslrootcert];
  const relative = files.find((file) => file !== undefined && !file.startsWith('/'));
  if (relative === undefined) return;
  throw new BatonError('BATON_USAGE', `"${relative}" in the URI of the new home is no absolute path`, {
    hint: 'Every keeper reads that file on its own machine, under the same path.',
  });
}
