import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { requireDataDirectory, requireLocalConfig, type LocalConfig } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withDataDirectory } from './options.ts';
import { renderTable } from './render-table.ts';

interface Options {
  readonly pgdata?: string;
  readonly all?: true;
  readonly config?: true;
  readonly state?: true;
  readonly pid?: true;
  readonly contents?: true;
}

interface LocalFile {
  readonly kind: string;
  readonly path: string;
}

/** `pgbaton show file`: where pgbaton keeps what belongs to a directory. */
export function showFileCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'file',
    'show where the files of this node or monitor are',
    'pgbaton show file --pgdata /var/lib/postgresql/node1',
    'pgbaton show file --config --contents',
  );
  return withDataDirectory(command)
    .option('--all', 'all files (the default)')
    .option('--config', 'only the configuration file')
    .option('--state', 'only the file or folder with the state')
    .option('--pid', 'only the file with the process id')
    .option('--contents', 'with --config or --pid: what is in the file')
    .action(
      act<Options>(async ({ options, ui }) => {
        const files = filesOf(await requireLocalConfig(requireDataDirectory(context, options)));
        const kind = options.config ? 'Config' : options.state ? 'State' : options.pid ? 'Pid' : undefined;
        const wanted = kind === undefined ? files : files.filter((file) => file.kind === kind);
        const [only] = wanted;
        // Contents are of one file that holds no secret; the others are for their owner's eyes.
        if (options.contents && only !== undefined && (kind === 'Config' || kind === 'Pid')) {
          ui.print(readFileSync(only.path, 'utf8'));
          return;
        }
        const json = Object.fromEntries(
          wanted.map((file) => [file.kind.toLowerCase().replaceAll(' ', '_'), file.path]),
        );
        ui.show(json, () => (kind === undefined ? renderFiles(wanted) : `${only?.path}\n`));
      }),
    );
}

function filesOf(local: LocalConfig): readonly LocalFile[] {
  const shared = [
    { kind: 'Config', path: local.files.configFile },
    { kind: 'State', path: local.role === 'monitor' ? local.files.storeFile : local.files.stateDirectory },
    { kind: 'Pid', path: local.files.pidFile },
    { kind: 'Token', path: local.files.tokenFile },
    { kind: 'Certificate', path: local.config.ssl.certFile ?? local.files.certFile },
  ];
  return local.role === 'monitor'
    ? shared
    : [...shared, { kind: 'Data directory', path: local.config.postgres.dataDirectory }];
}

/** One row a file. */
export function renderFiles(files: readonly LocalFile[]): string {
  return renderTable(
    [{ title: 'File' }, { title: 'Path', align: 'left' }],
    files.map(({ kind, path }) => [kind, path]),
  );
}
