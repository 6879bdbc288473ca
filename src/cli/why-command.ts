import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, type GroupOptions } from './options.ts';

/** How far the history is read back for the last change of primary. */
const EVENT_COUNT = 500;

/** `pgbaton why`: the present situation in words. */
export function whyCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'why',
    'explain who holds the baton and why, and what would stop each node from being promoted',
    'pgbaton why --formation default',
  );
  return withGroup(command).action(
    act<GroupOptions>(async ({ options, ui }) => {
      await withConnection(context, options, async ({ client, local }) => {
        const address = { formation: formationOf(options, local), group: options.group };
        const { record, evidence } = await client.getEvidence(address);
        const events = await client.listEvents({ ...address, count: EVENT_COUNT });
        const { explainSituation } = await import('./explain-situation.ts');
        const explanation = explainSituation({ record, evidence, events });
        const { renderExplanation } = await import('./render-explanation.ts');
        ui.show(explanation, () => renderExplanation(explanation, context.clock.now()));
      });
    }),
  );
}
