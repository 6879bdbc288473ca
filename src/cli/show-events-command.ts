import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { GroupAddress, MonitorClient } from '../api/client.ts';
import type { EventBody } from '../api/schemas.ts';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { formatTimestamp } from './format-quantity.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseCount, parsePositive, withFormation, type GroupOptions } from './options.ts';
import { layOut, renderRow, renderTable, type Column } from './render-table.ts';
import type { Ui } from './ui.ts';
import { untilInterrupted } from './until-interrupted.ts';

interface Options extends Omit<GroupOptions, 'group'> {
  readonly group?: number;
  readonly count?: number;
  readonly watch?: true;
  readonly export?: string;
}

const COUNT = 10;
const EXPORT_COUNT = 1_000;

/** `pgbaton show events`: what was decided and reached, and why. */
export function showEventsCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'events',
    'show what was decided and what was reached, with the reasons',
    'pgbaton show events --count 20',
    'pgbaton show events --export incident.jsonl',
  );
  return withFormation(command)
    .option('--group <number>', 'only this group of the formation', parseCount)
    .option(
      '--count <number>',
      `how many of the newest events (default: ${COUNT}; ${EXPORT_COUNT} with --export)`,
      parsePositive,
    )
    .option('--watch', 'go on with what happens, until Ctrl-C')
    .addOption(
      new Option(
        '--export <file>',
        'write them to a file for "pgbaton replay", with the records and the evidence of the decisions; "-": to stdout',
      ).conflicts('watch'),
    )
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client, local }) => {
          const formation = formationOf(options, local);
          const { group, count = COUNT } = options;
          if (options.export !== undefined)
            return await exportEvents(context, client, { formation, group: group ?? 0 }, options, ui);
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

async function exportEvents(
  context: CliContext,
  client: MonitorClient,
  address: GroupAddress,
  options: Pick<Options, 'count' | 'export'>,
  ui: Ui,
): Promise<void> {
  const { count = EXPORT_COUNT, export: file = '-' } = options;
  const { exportIncident } = await import('./incident/export-incident.ts');
  const { formatIncident } = await import('./incident/incident-file.ts');
  const incident = await exportIncident(client, address, { count, now: context.clock.now() });
  const text = formatIncident(incident);
  if (file === '-') return ui.print(text);
  await writeNewFile(resolve(context.cwd, file), text, file);
  const entries = incident.entries.length;
  ui.show({ file, events: entries }, () => `${entries} events written to ${file}\n`);
  ui.note(`"pgbaton replay ${file}" decides them again.`);
}

/** Never over another file: what was exported in the incident is evidence too. */
async function writeNewFile(path: string, text: string, file: string): Promise<void> {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const { BatonError } = await import('../lib/baton-error.ts');
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new BatonError('BATON_REFUSED', `the file "${file}" exists`, { hint: 'Name another one.' });
    throw new BatonError('BATON_USAGE', `the file "${file}" can't be written`, {
      detail: `${(error as Error).message}.`,
    });
  }
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
