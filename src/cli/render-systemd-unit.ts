export interface UnitOptions {
  readonly role: 'monitor' | 'postgres';
  readonly dataDirectory: string;
  /** The owner of the directory: PostgreSQL does not run as root. */
  readonly user: string;
  /** Absolute path of `pgbaton`. */
  readonly program: string;
  /** The folder in which the program starts. */
  readonly workingDirectory: string;
}

/** A systemd unit that runs a keeper or a monitor. */
export function renderSystemdUnit(options: UnitOptions): string {
  const what = options.role === 'monitor' ? 'monitor' : 'keeper of PostgreSQL';
  return `${[
    '[Unit]',
    `Description=pgbaton: ${what} in ${escapeSpecifiers(options.dataDirectory)}`,
    'Wants=network-online.target',
    'After=network-online.target',
    '# Without a limit it is tried for ever: a node that gave up would be missing at the next failure.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=simple',
    `User=${options.user}`,
    `WorkingDirectory=${escapeSpecifiers(options.workingDirectory)}`,
    `Environment=${quote(`PGDATA=${options.dataDirectory}`)}`,
    'Environment="NODE_OPTIONS=--max-semi-space-size=1 --max-old-space-size=128"',
    'Environment=MALLOC_ARENA_MAX=2',
    `ExecStart=${quote(options.program).replaceAll('$', '$$$$')} run`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    'Restart=always',
    'RestartSec=1',
    '# It ends with 0 when it was stopped with "pgbaton stop", or its node was dropped: then it stays stopped.',
    'RestartPreventExitStatus=0',
    ...(options.role === 'postgres' ? KEEPER_LINES : []),
    'OOMScoreAdjust=-900',
    'LimitNOFILE=65536',
    'TimeoutStopSec=90',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ].join('\n')}\n`;
}

const KEEPER_LINES = [
  '# Only the keeper is signalled, and with the signal that lets PostgreSQL go on:',
  '# a restart or an upgrade of the keeper costs no connection. "pgbaton stop" stops both.',
  'KillMode=process',
  'KillSignal=SIGUSR2',
  '# The keeper and the postmaster are the last to go when memory runs out, and sessions are not.',
  'Environment=PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj',
] as const;

/** systemd splits at spaces, reads \\ and " itself, and takes % for a specifier; in ExecStart also $ for a variable. */
function quote(text: string): string {
  return `"${escapeSpecifiers(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}
