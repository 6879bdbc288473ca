import { Argument, InvalidArgumentError, type Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseCount, withFormation, type MonitorOptions } from './options.ts';

type Options = MonitorOptions & { readonly formation?: string };

/** `pgbaton get formation number-sync-standbys`. */
export function getNumberSyncStandbysCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'number-sync-standbys',
    'show how many standbys must have a commit before writes may go on without the others',
    'pgbaton get formation number-sync-standbys',
  );
  return withFormation(command).action(
    act<Options>(async ({ options, ui }) => {
      await withConnection(context, options, async ({ client, local }) => {
        const { number_sync_standbys: value } = await client.getSettings(formationOf(options, local));
        ui.show({ 'number-sync-standbys': value }, () => `${value ?? 'auto'}\n`);
      });
    }),
  );
}

/** `pgbaton set formation number-sync-standbys <number>`. */
export function setNumberSyncStandbysCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'number-sync-standbys',
    'set how many standbys must have a commit; 0: a primary that is left alone goes on alone',
    'pgbaton set formation number-sync-standbys 1',
    'pgbaton set formation number-sync-standbys auto',
  );
  const argument = new Argument('<number>', 'a number; auto: 1 as soon as there are two standbys, else 0');
  return withFormation(command)
    .addArgument(argument.argParser(parseNumberOrAuto))
    .action(
      act<Options>(async ({ options, words, ui }) => {
        const wanted = words[0] as unknown as number | 'auto';
        const value = wanted === 'auto' ? null : wanted;
        await withConnection(context, options, async ({ client, local }) => {
          const accepted = await client.updateSettings(formationOf(options, local), {
            number_sync_standbys: value,
          });
          ui.show({ 'number-sync-standbys': value }, () => `${wanted}\n`);
          ui.note(`Done: ${accepted.because}.`);
        });
      }),
    );
}

function parseNumberOrAuto(text: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  const value = parseCount(text);
  if (value <= 32) return value;
  throw new InvalidArgumentError('At most 32 are possible.');
}
