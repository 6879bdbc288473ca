import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { requireDataDirectory, requireLocalNode } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, type GroupOptions } from './options.ts';
import { readLocalState } from './read-local-state.ts';
import { renderState } from './render-state.ts';

interface Options extends GroupOptions {
  readonly watch?: true;
  readonly local?: true;
}

/** `pgbaton show state`: one row a node. */
export function showStateCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'state',
    'show every node with its reported and assigned state',
    'pgbaton show state --formation default',
    'pgbaton show state --watch',
  );
  return withGroup(command)
    .option('--watch', 'keep showing it as it changes; q quits')
    .option('--local', 'only this node, from its own files: works when the monitor does not')
    .action(
      act<Options>(async ({ options, ui }) => {
        if (options.local) {
          const node = await requireLocalNode(requireDataDirectory(context, options));
          const view = await readLocalState(context.services, node);
          return ui.show([view], () => renderState([view]));
        }
        await withConnection(context, options, async ({ client, local }) => {
          const address = { formation: formationOf(options, local), group: options.group };
          if (options.watch) {
            const { watchGroupLive } = await import('./watch/watch-group-live.ts');
            return watchGroupLive(context, client, address);
          }
          const { record, nodes, refused } = await client.getGroup(address);
          ui.show(nodes, () => renderState(nodes));
          if (refused !== undefined) ui.note(`WARNING:  ${refused}.`);
          else if (record.move !== undefined)
            ui.note(
              `A move to ${record.move.to} is under way. If nobody goes on with it, "pgbaton store move --to … --undo" takes it back.`,
            );
          else if (nodes.length === 0)
            ui.note(`Formation "${address.formation}" has no nodes yet. "pgbaton create postgres" adds one.`);
        });
      }),
    );
}
