import type { Command } from 'commander';
import type { GroupBody, SettingsBody } from '../api/schemas.ts';
import { synchronousStandbyNames } from '../core/application-name.ts';
import { currentRule, findNode, type GroupRecord } from '../core/group-record.ts';
import { effectiveNumberSync, votersOf } from '../core/quorum.ts';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { withGroup, type GroupOptions } from './options.ts';
import { renderTable } from './render-table.ts';

/** `pgbaton show settings`, and `get formation settings` under its other name. */
export function showSettingsCommand(
  context: CliContext,
  act: Act,
  example = 'pgbaton show settings',
): Command {
  const command = newCommand(
    'settings',
    'show the settings of a formation, and the priority and quorum of its nodes',
    example,
  );
  return withGroup(command).action(
    act<GroupOptions>(async ({ options, ui }) => {
      await withConnection(context, options, async ({ client, local }) => {
        const formation = formationOf(options, local);
        const settings = await client.getSettings(formation);
        const group = await client.getGroup({ formation, group: options.group });
        ui.show(toJson(settings, group), () => renderSettings(formation, settings, group));
      });
    }),
  );
}

/** The value that the primary's PostgreSQL has, or is being given; empty without a primary. */
export function standbyNames(record: GroupRecord): string {
  const rule = currentRule(record);
  if (rule === undefined || record.reign === null) return '';
  const { holder, term } = record.reign;
  return synchronousStandbyNames(votersOf(rule, holder), rule.k, term);
}

function toJson(settings: SettingsBody, { record, nodes }: GroupBody) {
  const primary = record.reign === null ? undefined : findNode(record, record.reign.holder);
  return {
    formation: settings,
    number_sync_standbys_in_force: effectiveNumberSync(record),
    primary:
      primary === undefined ? null : { name: primary.name, synchronous_standby_names: standbyNames(record) },
    nodes: nodes.map(({ name, candidate_priority, replication_quorum }) => ({
      name,
      candidate_priority,
      replication_quorum,
    })),
  };
}

/** One row a setting: of the formation, of the primary, of each node. */
export function renderSettings(
  formation: string,
  settings: SettingsBody,
  { record, nodes }: GroupBody,
): string {
  const primary = record.reign === null ? undefined : findNode(record, record.reign.holder);
  const ofFormation = Object.entries(settings).map(([key, value]) => [
    'formation',
    formation,
    key,
    key === 'number_sync_standbys' && value === null
      ? `${effectiveNumberSync(record)} (chosen from the number of standbys)`
      : String(value),
  ]);
  const ofPrimary =
    primary === undefined
      ? []
      : [['primary', primary.name, 'synchronous_standby_names', standbyNames(record) || "''"]];
  const ofNodes = nodes.flatMap((node) => [
    ['node', node.name, 'candidate_priority', String(node.candidate_priority)],
    ['node', node.name, 'replication_quorum', String(node.replication_quorum)],
  ]);
  return renderTable(
    [
      { title: 'Context', minWidth: 9 },
      { title: 'Name', minWidth: 7 },
      { title: 'Setting' },
      { title: 'Value', align: 'left' },
    ],
    [...ofFormation, ...ofPrimary, ...ofNodes],
  );
}
