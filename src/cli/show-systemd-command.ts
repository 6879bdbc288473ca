import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { requireDataDirectory, requireLocalConfig } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { withDataDirectory } from './options.ts';
import { renderSystemdUnit } from './render-systemd-unit.ts';

/** `pgbaton show systemd`: a unit for this node or monitor, on stdout and nothing else there. */
export function showSystemdCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'systemd',
    'print a systemd unit that runs this node or monitor',
    'pgbaton -q show systemd --pgdata /var/lib/postgresql/node1 > /etc/systemd/system/pgbaton.service',
  );
  return withDataDirectory(command).action(
    act<{ readonly pgdata?: string }>(async ({ options, ui }) => {
      const dataDirectory = requireDataDirectory(context, options);
      const { role, files } = await requireLocalConfig(dataDirectory);
      const user = ownerOf(files.configFile);
      const unit = renderSystemdUnit({
        role,
        dataDirectory,
        user,
        program: context.program,
        workingDirectory: '/',
      });
      ui.show({ unit }, () => unit);
      if (user === 'root') {
        ui.note(
          `pgbaton: "${dataDirectory}" belongs to root; PostgreSQL can not run as root, so set User= yourself`,
        );
      }
      ui.note(
        'HINT:  Write it to /etc/systemd/system/pgbaton.service, then run "systemctl daemon-reload" and "systemctl enable --now pgbaton".',
      );
    }),
  );
}

/** The name of the owner; the number where the name stands somewhere else than in /etc/passwd. */
function ownerOf(path: string): string {
  try {
    const uid = String(statSync(path).uid);
    const entries = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    return entries.find((fields) => fields[2] === uid)?.[0] ?? uid;
  } catch (error) {
    throw new BatonError('BATON_CONFIG_INVALID', `could not find out who owns "${path}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      cause: error,
    });
  }
}
