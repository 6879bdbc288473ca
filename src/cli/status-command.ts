import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { EXIT } from './exit-codes.ts';
import { requireDataDirectory, requireLocalConfig } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withDataDirectory } from './options.ts';
import { renderTable } from './render-table.ts';

/** One process that may run for a directory. */
export interface ProcessStatus {
  readonly name: 'monitor' | 'keeper' | 'postgres';
  /** null: it does not run. */
  readonly pid: number | null;
}

/** `pgbaton status`: which processes run here; asks nobody else. */
export function statusCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'status',
    'show which processes run for a directory; exit code 1 unless all of them do',
    'pgbaton status --pgdata ./node_1',
  );
  return withDataDirectory(command).action(
    act<{ readonly pgdata?: string }>(async ({ options, ui }) => {
      const local = await requireLocalConfig(requireDataDirectory(context, options));
      const pid = (await context.services.readPidFile(local.files.pidFile)) ?? null;
      const processes: readonly ProcessStatus[] =
        local.role === 'monitor'
          ? [{ name: 'monitor', pid }]
          : [
              { name: 'keeper', pid },
              { name: 'postgres', pid: (await context.services.findPostmaster(local.dataDirectory)) ?? null },
            ];
      ui.show(Object.fromEntries(processes.map((each) => [each.name, each.pid])), () =>
        renderStatus(processes),
      );
      return processes.every((each) => each.pid !== null) ? EXIT.done : EXIT.failed;
    }),
  );
}

/** One row a process. */
export function renderStatus(processes: readonly ProcessStatus[]): string {
  return renderTable(
    [
      { title: 'Process', minWidth: 8 },
      { title: 'PID', minWidth: 7 },
      { title: 'State', align: 'left' },
    ],
    processes.map(({ name, pid }) => [
      name,
      pid === null ? '-' : String(pid),
      pid === null ? 'not running' : 'running',
    ]),
  );
}
