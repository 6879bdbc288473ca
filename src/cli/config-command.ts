import { resolve } from 'node:path';
import { Command } from 'commander';
import type { ConfigKind } from '../config/config-file.ts';
import type * as z from 'zod/mini';
import type { CliContext } from './cli-context.ts';
import { monitorFiles, nodeFiles } from '../config/paths.ts';
import { localRole, noConfig, requireDataDirectory } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withDataDirectory } from './options.ts';

interface Options {
  readonly pgdata?: string;
}

/** `pgbaton config get|set|check`: the `pgbaton.yaml` of this node or monitor. */
export function configCommand(context: CliContext, act: Act): Command {
  return new Command('config')
    .description('show, change and check the configuration file of this node or monitor')
    .addCommand(configGetCommand(context, act))
    .addCommand(configSetCommand(context, act))
    .addCommand(configCheckCommand(context, act));
}

function configGetCommand(context: CliContext, act: Act): Command {
  const command = newCommand('get', 'show one setting, or all of them', 'pgbaton config get postgres.port');
  return withDataDirectory(command)
    .argument('[key]', 'which setting, with a dot between section and name')
    .action(
      act<Options>(async ({ options, words: [key], ui }) => {
        const { kind, file } = await findConfig(context, options);
        const { getConfigKey } = await import('../config/config-file.ts');
        if (key !== undefined) {
          const value = getConfigKey(kind, file, key);
          return ui.show({ [key]: value }, () => `${formatValue(value)}\n`);
        }
        const all = Object.keys(kind.comments).map((each) => [each, getConfigKey(kind, file, each)] as const);
        ui.show(Object.fromEntries(all), () =>
          all.map(([each, value]) => `${each}: ${formatValue(value)}\n`).join(''),
        );
      }),
    );
}

function configSetCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'set',
    'change one setting; comments and order of the file stay',
    'pgbaton config set log.level debug',
  );
  return withDataDirectory(command)
    .argument('<key>', 'which setting, with a dot between section and name')
    .argument('<value>', 'its new value, as in YAML')
    .action(
      act<Options>(async ({ options, words: [key = '', value = ''], ui }) => {
        const { kind, file, pidFile } = await findConfig(context, options);
        const { setConfigKey } = await import('../config/config-file.ts');
        const now = setConfigKey(kind, file, key, value);
        ui.show({ [key]: now }, () => `${formatValue(now)}\n`);
        const pid = await context.services.readPidFile(pidFile);
        if (pid === undefined) return;
        context.services.sendSignal(pid, 'SIGHUP');
        ui.note(
          `The running pgbaton (pid ${pid}) was told to read it; what can't change while running takes effect with its next start.`,
        );
      }),
    );
}

function configCheckCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'check',
    'check the configuration file; errors name the key and the line',
    'pgbaton config check',
    'pgbaton config check /etc/pgbaton/pgbaton.yaml',
  );
  return withDataDirectory(command)
    .argument('[file]', 'a file to check (default: the one that belongs to --pgdata)')
    .action(
      act<Options>(async ({ options, words: [given], ui }) => {
        const { kind, file } =
          given === undefined
            ? await findConfig(context, options)
            : await kindOf(resolve(context.cwd, given));
        const { readConfig } = await import('../config/config-file.ts');
        readConfig(kind, file);
        ui.show({ file, valid: true }, () => `"${file}" is valid.\n`);
      }),
    );
}

interface FoundConfig {
  readonly kind: ConfigKind<z.ZodMiniType>;
  readonly file: string;
  readonly pidFile: string;
}

async function findConfig(context: CliContext, options: Options): Promise<FoundConfig> {
  const dataDirectory = requireDataDirectory(context, options);
  const role = localRole(dataDirectory);
  if (role === undefined) throw noConfig(dataDirectory);
  const { configFile: file, pidFile } =
    role === 'monitor' ? monitorFiles(dataDirectory) : nodeFiles(dataDirectory);
  return { kind: await loadKind(role), file, pidFile };
}

/** Which kind a file is of stands in the file; one that says nothing is checked as a node's. */
async function kindOf(file: string): Promise<Pick<FoundConfig, 'kind' | 'file'>> {
  const { readFileSync, existsSync } = await import('node:fs');
  const isMonitor = existsSync(file) && /^role:\s*["']?monitor\b/m.test(readFileSync(file, 'utf8'));
  return { kind: await loadKind(isMonitor ? 'monitor' : 'postgres'), file };
}

async function loadKind(role: 'monitor' | 'postgres'): Promise<ConfigKind<z.ZodMiniType>> {
  return role === 'monitor'
    ? (await import('../config/monitor-config.ts')).MONITOR_CONFIG
    : (await import('../config/node-config.ts')).NODE_CONFIG;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
