import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, type GroupOptions } from './options.ts';
import { standbyNames } from './show-settings-command.ts';

/** `pgbaton show standby-names`: `synchronous_standby_names` of the primary. */
export function showStandbyNamesCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'standby-names',
    "show synchronous_standby_names of the primary, as the group's record wants it",
    'pgbaton show standby-names',
  );
  return withGroup(command).action(
    act<GroupOptions>(async ({ options, ui }) => {
      await withConnection(context, options, async ({ client, local }) => {
        const { record } = await client.getGroup({
          formation: formationOf(options, local),
          group: options.group,
        });
        const names = standbyNames(record);
        ui.show({ synchronous_standby_names: names }, () => `'${names}'\n`);
      });
    }),
  );
}
