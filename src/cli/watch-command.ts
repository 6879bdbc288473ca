import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, type GroupOptions } from './options.ts';

/** `pgbaton watch`: a live view of a group. */
export function watchCommand(context: CliContext, act: Act): Command {
  const command = newCommand('watch', 'show a group live in the terminal; q quits', 'pgbaton watch');
  return withGroup(command).action(
    act<GroupOptions>(async ({ options }) => {
      await withConnection(context, options, async ({ client, local }) => {
        const { watchGroupLive } = await import('./watch/watch-group-live.ts');
        await watchGroupLive(context, client, {
          formation: formationOf(options, local),
          group: options.group,
        });
      });
    }),
  );
}
