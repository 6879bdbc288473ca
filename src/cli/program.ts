import { Command, type OutputConfiguration } from 'commander';
import { VERSION } from '../lib/version.ts';
import type { CliContext } from './cli-context.ts';
import { configCommand } from './config-command.ts';
import { createFormationCommand } from './create-formation-command.ts';
import { createMonitorCommand } from './create-monitor-command.ts';
import { createPostgresCommand } from './create-postgres-command.ts';
import { demoCommand } from './demo-command.ts';
import { disableMaintenanceCommand } from './disable-maintenance-command.ts';
import { dropFormationCommand } from './drop-formation-command.ts';
import { dropMonitorCommand } from './drop-monitor-command.ts';
import { dropNodeCommand } from './drop-node-command.ts';
import { enableMaintenanceCommand } from './enable-maintenance-command.ts';
import { createAct, type Outcome } from './new-command.ts';
import { getNodePolicyCommands, setNodePolicyCommands } from './node-policy-command.ts';
import {
  getNumberSyncStandbysCommand,
  setNumberSyncStandbysCommand,
} from './number-sync-standbys-command.ts';
import { getPolicyCommands, setPolicyCommands } from './policy-commands.ts';
import { performFailoverCommand } from './perform-failover-command.ts';
import { performPromotionCommand } from './perform-promotion-command.ts';
import { performSwitchoverCommand } from './perform-switchover-command.ts';
import { reloadCommand } from './reload-command.ts';
import { replayCommand } from './replay-command.ts';
import { runCommand } from './run-command.ts';
import { setNodeMetadataCommand } from './set-node-metadata-command.ts';
import { showEventsCommand } from './show-events-command.ts';
import { showFileCommand } from './show-file-command.ts';
import { showNodesCommand } from './show-nodes-command.ts';
import { showSettingsCommand } from './show-settings-command.ts';
import { showStandbyNamesCommand } from './show-standby-names-command.ts';
import { showStateCommand } from './show-state-command.ts';
import { showSystemdCommand } from './show-systemd-command.ts';
import { showUriCommand } from './show-uri-command.ts';
import { statusCommand } from './status-command.ts';
import { storeMoveCommand } from './store-move-command.ts';
import { storeRecoverCommand } from './store-recover-command.ts';
import { stopCommand } from './stop-command.ts';
import { versionCommand } from './version-command.ts';
import { watchCommand } from './watch-command.ts';
import { whyCommand } from './why-command.ts';

/** The tree of all commands. Parsing throws CommanderError for wrong usage and what the commands throw. */
export function createProgram(context: CliContext, outcome: Outcome): Command {
  const act = createAct(context, outcome);
  const program = new Command('pgbaton')
    .description('High availability and automatic failover for PostgreSQL')
    .version(VERSION, '-V, --version', 'print the version')
    .option('--json', 'print JSON for programs; errors too')
    .option('-q, --quiet', 'print results and errors, and nothing else')
    .option('-v, --verbose', 'print more about errors');
  for (const command of [
    ...lifeCommands(context, act),
    ...lookCommands(context, act),
    ...changeCommands(context, act),
    demoCommand(context, act),
    versionCommand(act),
  ]) {
    program.addCommand(command);
  }
  behave(program, context);
  return program;
}

type Act = ReturnType<typeof createAct>;

function lifeCommands(context: CliContext, act: Act): readonly Command[] {
  return [
    family('create', 'make a monitor, a node or a formation', [
      createMonitorCommand(context, act),
      createPostgresCommand(context, act),
      createFormationCommand(context, act),
    ]),
    runCommand(context, act),
    stopCommand(context, act),
    reloadCommand(context, act),
    statusCommand(context, act),
    configCommand(context, act),
    family('drop', 'remove a node, a formation or a monitor', [
      dropNodeCommand(context, act),
      dropFormationCommand(context, act),
      dropMonitorCommand(context, act),
    ]),
  ];
}

function lookCommands(context: CliContext, act: Act): readonly Command[] {
  return [
    family('show', 'show what is', [
      showStateCommand(context, act),
      showNodesCommand(context, act),
      showEventsCommand(context, act),
      showUriCommand(context, act),
      showSettingsCommand(context, act),
      showStandbyNamesCommand(context, act),
      showFileCommand(context, act),
      showSystemdCommand(context, act),
    ]),
    watchCommand(context, act),
    whyCommand(context, act),
    replayCommand(context, act),
  ];
}

function changeCommands(context: CliContext, act: Act): readonly Command[] {
  return [
    family('get', 'show one setting', [
      family('node', 'show a setting of a node', getNodePolicyCommands(context, act)),
      family('formation', 'show a setting of a formation', [
        getNumberSyncStandbysCommand(context, act),
        ...getPolicyCommands(context, act),
        showSettingsCommand(context, act, 'pgbaton get formation settings'),
      ]),
    ]),
    family('set', 'change one setting', [
      family('node', 'change a setting of a node', [
        ...setNodePolicyCommands(context, act),
        setNodeMetadataCommand(context, act),
      ]),
      family('formation', 'change a setting of a formation', [
        setNumberSyncStandbysCommand(context, act),
        ...setPolicyCommands(context, act),
      ]),
    ]),
    family('perform', 'change which node is the primary', [
      performSwitchoverCommand(context, act),
      performFailoverCommand(context, act),
      performPromotionCommand(context, act),
    ]),
    family('store', 'bring the home of a group back, or move the group to another one', [
      storeRecoverCommand(context, act),
      storeMoveCommand(context, act),
    ]),
    family('enable', 'begin something', [enableMaintenanceCommand(context, act)]),
    family('disable', 'end something', [disableMaintenanceCommand(context, act)]),
  ];
}

/** A verb with its nouns. */
function family(name: string, summary: string, members: readonly Command[]): Command {
  const command = new Command(name).description(summary);
  for (const member of members) command.addCommand(member);
  return command;
}

/** Commander passes its settings on to the commands it makes itself, and to no others. */
function behave(command: Command, context: CliContext): void {
  const output: OutputConfiguration = {
    writeOut: (text) => context.stdout.write(text),
    writeErr: (text) => context.stderr.write(text),
    // Errors are thrown, and shown in one place in the form of all others.
    outputError: () => undefined,
  };
  command
    .exitOverride()
    .configureOutput(output)
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .allowExcessArguments(false);
  for (const child of command.commands) behave(child, context);
}
