import type { Command } from 'commander';
import type { MonitorClient } from '../api/client.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { findMonitor, findStore, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseName, withDataDirectory, type MonitorOptions } from './options.ts';
import { renderTable } from './render-table.ts';

interface Options {
  readonly pgdata?: string;
  /** true: given without a value, as in `show uri --monitor`. */
  readonly monitor?: string | true;
  readonly store?: string;
  readonly tokenFile?: string;
  readonly formation?: string;
  readonly readOnly?: true;
}

/** One connection string. */
export interface NamedUri {
  readonly type: 'monitor' | 'formation' | 'read-only';
  readonly name: string;
  readonly uri: string;
}

/** `pgbaton show uri`: what nodes and applications connect to. */
export function showUriCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'uri',
    'show the connection strings of the monitor and of the formations',
    'pgbaton show uri --monitor --pgdata ./monitor',
    'pgbaton show uri --formation default',
  );
  return withDataDirectory(command)
    .option('--monitor [uri]', 'without a value: only the URI of the monitor; else: the monitor to ask')
    .option('--store <uri>', 'in place of a monitor: the store by which keepers decide')
    .option('--token-file <path>', 'file with the token of the monitor, or of the formation in a store')
    .option(
      '--formation <name>',
      'only the URI for the applications of this formation; "monitor": that of the monitor',
      parseName,
    )
    .option('--read-only', 'the URI for sessions that only read, which prefers the standbys')
    .action(
      act<Options>(async ({ options, ui }) => {
        const { monitor, formation, ...others } = options;
        const where: MonitorOptions = typeof monitor === 'string' ? { ...others, monitor } : others;
        if (monitor === true || formation === 'monitor') {
          const uri = await monitorUri(context, where);
          ui.show([uri], () => `${uri.uri}\n`);
          return;
        }
        const uris = await withConnection(context, where, ({ client }) => formationUris(client, formation));
        if (formation !== undefined || options.readOnly) {
          const wanted = uris.filter(({ type }) => type === (options.readOnly ? 'read-only' : 'formation'));
          ui.show(wanted, () => wanted.map(({ uri }) => `${uri}\n`).join(''));
          return;
        }
        const isStore = (await findStore(context, where)) !== undefined;
        const all = isStore ? uris : [await monitorUri(context, where), ...uris];
        ui.show(all, () => renderUris(all));
      }),
    );
}

/** Without a node there is nothing to connect to: libpq would take an empty host for this machine. */
async function formationUris(client: MonitorClient, only: string | undefined): Promise<readonly NamedUri[]> {
  const formations = only === undefined ? await client.listFormations() : [await client.getFormation(only)];
  if (only !== undefined && formations[0]?.node_count === 0) {
    throw new BatonError('BATON_REFUSED', `formation "${only}" has no nodes to connect to`, {
      hint: `"pgbaton create postgres --formation ${only}" adds one.`,
    });
  }
  const used = formations.filter((formation) => formation.node_count > 0);
  const answers = await Promise.all(used.map(({ name }) => client.getUri(name)));
  return answers.flatMap((answer): readonly NamedUri[] => [
    { type: 'formation', name: answer.formation, uri: answer.read_write_uri },
    { type: 'read-only', name: answer.formation, uri: answer.read_only_uri },
  ]);
}

async function monitorUri(context: CliContext, where: MonitorOptions): Promise<NamedUri> {
  const { formatMonitorUri } = await import('../config/monitor-uri.ts');
  const { endpoint } = await findMonitor(context, where);
  return { type: 'monitor', name: 'monitor', uri: formatMonitorUri(endpoint) };
}

/** All connection strings in one table. */
export function renderUris(uris: readonly NamedUri[]): string {
  return renderTable(
    [
      { title: 'Type', minWidth: 12 },
      { title: 'Name', minWidth: 7 },
      { title: 'Connection String', align: 'left' },
    ],
    uris.map(({ type, name, uri }) => [type, name, uri]),
  );
}
