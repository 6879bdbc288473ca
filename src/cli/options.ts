import { InvalidArgumentError, type Command } from 'commander';

/** Which monitor to talk to, or by which store its keepers decide, and where this machine's own files are. */
export interface MonitorOptions {
  readonly pgdata?: string;
  readonly monitor?: string;
  readonly store?: string;
  readonly tokenFile?: string;
}

export interface GroupOptions extends MonitorOptions {
  readonly formation?: string;
  readonly group: number;
}

export interface NodeOptions extends MonitorOptions {
  readonly formation?: string;
  readonly name?: string;
}

/** How long to wait for what was begun; false: not at all. */
export interface WaitOptions {
  readonly wait: number | false;
}

/** For commands about the files and processes of this machine. */
export function withDataDirectory(command: Command): Command {
  return command.option(
    '--pgdata <path>',
    'data directory of the node, or directory of the monitor (env: PGDATA)',
  );
}

export function withMonitor(command: Command): Command {
  return withDataDirectory(command)
    .option('--monitor <uri>', 'monitor to ask, pgbaton://host:port?sslmode=… (env: PGBATON_MONITOR)')
    .option(
      '--store <uri>',
      'in place of a monitor: the store by which keepers decide, etcd://host:2379,… (env: PGBATON_STORE)',
    )
    .option(
      '--token-file <path>',
      'file with the token of the monitor, or of the formation in a store (env: PGBATON_MONITOR_TOKEN holds the token itself)',
    );
}

export function withFormation(command: Command): Command {
  return withMonitor(command).option(
    '--formation <name>',
    'formation (default: that of the node in --pgdata, else "default")',
    parseName,
  );
}

export function withGroup(command: Command): Command {
  return withFormation(command).option('--group <number>', 'group of the formation', parseCount, 0);
}

export function withNode(command: Command): Command {
  return withFormation(command).option(
    '--name <node>',
    'name of the node (default: that of the node in --pgdata)',
    parseName,
  );
}

export function withWait(command: Command): Command {
  return command
    .option('--wait <seconds>', 'how long to wait until it is done', parseSeconds, 60)
    .option('--no-wait', 'return as soon as it is begun');
}

export interface SslOptions {
  readonly sslSelfSigned?: true;
  /** false: given as --no-ssl. */
  readonly ssl?: false;
  readonly sslCaFile?: string;
  readonly serverCert?: string;
  readonly serverKey?: string;
  readonly sslMode?: string;
}

export function withSsl(command: Command): Command {
  return command
    .option('--ssl-self-signed', 'encrypt, with a certificate made here (the default)')
    .option('--no-ssl', 'do not encrypt')
    .option('--server-cert <file>', 'encrypt, with this certificate (PEM)')
    .option('--server-key <file>', 'its private key (PEM, mode 0600)')
    .option('--ssl-ca-file <file>', 'certificates of the authorities that others are verified with (PEM)')
    .option(
      '--ssl-mode <mode>',
      'how others are connected to: disable, prefer, require, verify-ca or verify-full',
      parseSslMode,
    );
}

/** A name of a formation or node, under the same rule as on the monitor. */
export function parseName(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError(
    'A name has 1 to 63 letters, digits, "_", "-" or ".", and does not begin with "-" or ".".',
  );
}

export function parsePort(text: string): number {
  return parseIntegerIn(text, 1, 65_535, 'A port is a number from 1 to 65535.');
}

export function parsePriority(text: string): number {
  return parseIntegerIn(text, 0, 100, 'A candidate priority is a number from 0 (never promoted) to 100.');
}

export function parseCount(text: string): number {
  return parseIntegerIn(text, 0, 1_000_000, 'A whole number from 0 on is needed.');
}

export function parsePositive(text: string): number {
  return parseIntegerIn(text, 1, 1_000_000, 'A whole number from 1 on is needed.');
}

export function parseSeconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('A number of seconds up to 86400 is needed.');
}

/** As PostgreSQL reads a boolean. */
export function parseBoolean(text: string): boolean {
  const word = text.toLowerCase();
  if (['true', 'on', 'yes', '1'].includes(word)) return true;
  if (['false', 'off', 'no', '0'].includes(word)) return false;
  throw new InvalidArgumentError('Use true or false.');
}

/** As `pg_basebackup --max-rate` takes it. */
export function parseRate(text: string): string {
  if (/^\d+[kM]?$/.test(text)) return text;
  throw new InvalidArgumentError('A rate is a number with k or M behind it, such as 100M.');
}

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

function parseSslMode(text: string): SslMode {
  const mode = SSL_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new InvalidArgumentError(`Use one of ${SSL_MODES.join(', ')}.`);
}

function parseIntegerIn(text: string, min: number, max: number, rule: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(rule);
}
