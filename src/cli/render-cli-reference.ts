import type { Command } from 'commander';
import { EXIT_CODE_MEANINGS, EXIT_CODE_OF } from './exit-codes.ts';
import { examplesOf } from './new-command.ts';

/** `docs/reference/cli.md`, from the tree of commands itself. */
export function renderCliReference(program: Command): string {
  const commands = leavesOf(program, []);
  return `${[
    '# Command line',
    '',
    '<!-- Made by `npm run docs:cli` from the commands themselves; edit those. -->',
    '',
    PREAMBLE,
    '',
    '## Options of every command',
    '',
    ...renderOptions(program),
    '',
    '## Commands',
    '',
    ...commands.map(({ path, command }) => `- [\`${path}\`](#${anchorOf(path)}): ${command.description()}`),
    '',
    ...commands.flatMap(renderCommand),
    '## Exit codes',
    '',
    ...renderExitCodes(),
    '',
    '## Signals of `pgbaton run`',
    '',
    ...SIGNALS,
  ].join('\n')}\n`;
}

const PREAMBLE = [
  'Verbs and options are those of `pg_autoctl` wherever pg_auto_failover has the same thing.',
  '',
  'Commands find their monitor by `--monitor`; else by the `pgbaton.yaml` that belongs to `--pgdata`; else by',
  '`PGBATON_MONITOR`; else by the `pgbaton.yaml` that belongs to `PGDATA`. The token comes from `--token-file`, from',
  '`PGBATON_MONITOR_TOKEN`, or from the file that this `pgbaton.yaml` names, if it is the same monitor.',
  '',
  '| variable | meaning |',
  '| --- | --- |',
  '| `PGDATA` | data directory of the node, or directory of the monitor |',
  '| `PGPORT` | port, for `create` |',
  '| `PGBATON_MONITOR` | URI of the monitor |',
  '| `PGBATON_MONITOR_TOKEN` | its token |',
  '',
  'Results go to stdout; progress, hints and errors to stderr. Errors look like those of psql; with `--json` they are',
  '`{"error":{"code":…,"message":…,"detail":…,"hint":…}}`. The codes are listed in [errors](errors.md).',
].join('\n');

const SIGNALS = [
  '| signal | a keeper | a monitor |',
  '| --- | --- | --- |',
  '| `SIGTERM`, `SIGINT` | stops PostgreSQL (fast) and ends | ends |',
  '| `SIGQUIT` | ends, and stops PostgreSQL immediately: it recovers at its next start | ends |',
  '| `SIGUSR2` | ends and leaves PostgreSQL running, unless the machine is shutting down | ends |',
  '| `SIGHUP` | reads its configuration again | reads its configuration and certificates again |',
];

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

/** The commands that do something, in the order of the help. */
function leavesOf(command: Command, above: readonly string[]): readonly Leaf[] {
  const names = [...above, command.name()];
  if (command.commands.length === 0) return [{ path: names.join(' '), command }];
  return command.commands.flatMap((child) => leavesOf(child, names));
}

function renderCommand({ path, command }: Leaf): readonly string[] {
  const usage = `${path} ${command.usage()}`;
  return [
    `### ${path}`,
    '',
    `${capitalize(command.description())}.`,
    '',
    '```',
    usage,
    '```',
    '',
    ...renderArguments(command),
    ...renderOptions(command),
    '',
    '```sh',
    ...examplesOf(command),
    '```',
    '',
  ];
}

function renderArguments(command: Command): readonly string[] {
  const rows = command.registeredArguments.map(
    (argument) =>
      `| \`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\` | ${argument.description} |`,
  );
  return rows.length === 0 ? [] : ['| argument | meaning |', '| --- | --- |', ...rows, ''];
}

function renderOptions(command: Command): readonly string[] {
  const rows = command.options.map((option) => {
    const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`;
    const hasDefault = option.defaultValue !== undefined && !option.negate;
    const preset = hasDefault ? ` (default: ${String(option.defaultValue)})` : '';
    return `| \`${option.flags}\` | ${option.description}${choices}${preset} |`;
  });
  return rows.length === 0
    ? ['It has no options of its own.']
    : ['| option | meaning |', '| --- | --- |', ...rows];
}

function renderExitCodes(): readonly string[] {
  const codes = Object.entries(EXIT_CODE_MEANINGS).map(([code, meaning]) => {
    const errors = Object.entries(EXIT_CODE_OF)
      .filter(([, exitCode]) => String(exitCode) === code)
      .map(([error]) => `\`${error}\``);
    return `| ${code} | ${meaning} | ${errors.join(', ')} |`;
  });
  return ['| code | meaning | errors |', '| --- | --- | --- |', ...codes];
}

function anchorOf(path: string): string {
  return path.toLowerCase().replaceAll(' ', '-');
}

function capitalize(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}
