import type { Command } from 'commander';
import type { EventBody } from '../api/schemas.ts';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { formatTimestamp } from './format-quantity.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseCount, parsePositive, withFormation, type GroupOptions } from './options.ts';
import { layOut, renderRow, renderTable, type Column } from './render-table.ts';
import { untilInterrupted } from './until-interrupted.ts';

interface Options extends Omit<GroupOptions, 'group'> {
  readonly group?: number;
  readonly count: number;
  readonly watch?: true;
}

/** `pgbaton show events`: what was decided and reached, and why. */
export function showEventsCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'events',
    'show what was decided and what was reached, with the reasons',
    'pgbaton show events --count 20',
  );
  return withFormation(command)
    .option('--group <number>', 'only this group of the formation', parseCount)
    .option('--count <number>', 'how many of the newest events', parsePositive, 10)
    .option('--watch', 'go on with what happens, until Ctrl-C')
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client, local }) => {
          const formation = formationOf(options, local);
          const { group, count } = options;
          const events = await client.listEvents({
            formation,
            count,
            ...(group === undefined ? {} : { group }),
          });
          ui.show(events, () => renderEvents(events));
          if (!options.watch) return;
          const address = { formation, group: group ?? 0 };
          await untilInterrupted(context, async (signal) => {
            for await (const message of client.watchGroup(address, signal)) {
              if (message.kind === 'disconnected') ui.note(`pgbaton: ${message.error.message}`);
              // What a reconnect repeats was shown already.
              if (message.kind !== 'event' || message.event.id <= (events.at(-1)?.id ?? 0)) continue;
              ui.print(ui.json ? `${JSON.stringify(message.event)}\n` : renderEventLine(message.event));
            }
          });
        });
      }),
    );
}

const COLUMNS: readonly Column[] = [
  { title: 'Event Time', minWidth: 19 },
  { title: 'Term', minWidth: 4 },
  { title: 'Node', minWidth: 8 },
  { title: 'Kind', minWidth: 20, align: 'left' },
  { title: 'Comment', minWidth: 20, align: 'left' },
];

/** A row an event, oldest first. */
export function renderEvents(events: readonly EventBody[]): string {
  return renderTable(COLUMNS, events.map(eventCells));
}

/** One row without a header, for events that come one by one. */
function renderEventLine(event: EventBody): string {
  return `${renderRow(layOut(COLUMNS, []), eventCells(event))}\n`;
}

function eventCells(event: EventBody): readonly string[] {
  return [
    formatTimestamp(new Date(event.at)),
    String(event.term),
    event.node ?? '',
    event.rule ?? event.kind,
    event.because,
  ];
}
