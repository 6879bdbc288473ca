import { createHash } from 'node:crypto';
import { WAL_SENDER_TIMEOUT_MS } from '../core/absence.ts';
import type { Capabilities } from './capabilities.ts';
import type { ManagedSettings, UpstreamSettings } from './postgres-server.ts';
import type { PostgresServerOptions } from './server-options.ts';
import { REPLICATION_ROLE } from './server-options.ts';

/** Nobody has this name, so commits that ask for it wait. */
export const NOBODY = 'ANY 1 ("pgbaton_nobody@0")';

/** Holds the digest of the managed settings: a session that shows it has read exactly them. */
export const DIGEST_SETTING = 'pgbaton.settings';

/** Shows whether sessions start read-only; the keeper's own sessions override the real setting. */
export const READ_ONLY_SETTING = 'pgbaton.read_only';

/** ALTER SYSTEM would win over the managed file; these must not stand there. */
export const CRITICAL_SETTINGS = [
  'cluster_name',
  'default_transaction_read_only',
  'hot_standby',
  'listen_addresses',
  'port',
  'primary_conninfo',
  'primary_slot_name',
  'recovery_min_apply_delay',
  'recovery_target',
  'recovery_target_action',
  'recovery_target_inclusive',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_timeline',
  'recovery_target_xid',
  'restart_after_crash',
  'synchronous_commit',
  'synchronous_standby_names',
  'unix_socket_directories',
  'wal_receiver_timeout',
  'wal_retrieve_retry_interval',
  'wal_sender_timeout',
] as const;

type Setting = readonly [name: string, value: string];

/**
 * What stands in front of the operator's own lines of postgresql.conf: good
 * values that may be overridden, of those that this version knows.
 */
export function renderDefaults({ syncsFileSystems }: Capabilities): string {
  const settings: Setting[] = [
    ['wal_level', 'replica'],
    ['max_wal_senders', '12'],
    ['max_replication_slots', '12'],
    // pg_rewind needs either this or data checksums.
    ['wal_log_hints', 'on'],
    ['wal_keep_size', '512MB'],
    // A member that stays away must not fill the primary's disk: it is copied anew instead.
    ['max_slot_wal_keep_size', '10GB'],
    ['hot_standby_feedback', 'on'],
    ['password_encryption', 'scram-sha-256'],
    ['log_line_prefix', '%m [%p] %q%u@%d '],
    // One fsync for each file is most of a start after a crash, and of a copy's first start (ADR 19).
    ...(syncsFileSystems ? ([['recovery_init_sync_method', 'syncfs']] as const) : []),
  ];
  return [
    '# Written by pgbaton. Included first, so settings in postgresql.conf override these.',
    ...settings.map(line),
    '',
  ].join('\n');
}

/**
 * What stands behind everything else in postgresql.conf. `standbyNames` is the
 * value to be in force now, which on a running primary may differ from
 * `settings.synchronousStandbyNames` until the barriers have been passed.
 */
export function renderManagedSettings(
  options: PostgresServerOptions,
  files: { readonly passfile: string },
  settings: ManagedSettings,
  standbyNames: string,
  hbaBlock: string,
): { readonly text: string; readonly digest: string } {
  const lines = [
    ...serverSettings(options),
    ...replicationSettings(options, files.passfile, settings.upstream),
    ...sslSettings(options),
    ['synchronous_standby_names', standbyNames] as const,
    ['default_transaction_read_only', onOff(settings.readOnly)] as const,
    [READ_ONLY_SETTING, onOff(settings.readOnly)] as const,
  ].map(line);
  // Of the HBA entries as well: the one digest then tells that both files have been read.
  const digest = createHash('sha256')
    .update(`${lines.join('\n')}\n${hbaBlock}`)
    .digest('hex')
    .slice(0, 16);
  const text = [
    '# Written by pgbaton and overwritten at every change. Included last, so it wins over postgresql.conf.',
    ...lines,
    line([DIGEST_SETTING, digest]),
    '',
  ].join('\n');
  return { text, digest };
}

/** The names to have in force on a server that is no primary now. */
export function namesOfStandby(settings: ManagedSettings): string {
  // Backends learn from the checkpointer, and late, that commits have to wait at all. When this never
  // changes from "no" to "yes" at a promotion, no commit of the new primary can slip through unwaited.
  return settings.synchronousStandbyNames === '' ? NOBODY : settings.synchronousStandbyNames;
}

function serverSettings(options: PostgresServerOptions): Setting[] {
  return [
    ['listen_addresses', options.listenAddresses],
    ['port', String(options.port)],
    ['unix_socket_directories', options.socketDirectory],
    ['hot_standby', 'on'],
    // After a crash the keeper decides what happens, with the group.
    ['restart_after_crash', 'off'],
    ['synchronous_commit', 'on'],
    // The keeper points it at a file of its own.
    ['logging_collector', 'off'],
    ['tcp_keepalives_idle', '2'],
    ['tcp_keepalives_interval', '1'],
    ['tcp_keepalives_count', '3'],
  ];
}

function replicationSettings(
  options: PostgresServerOptions,
  passfile: string,
  upstream: UpstreamSettings | null,
): Setting[] {
  return [
    ['wal_sender_timeout', `${WAL_SENDER_TIMEOUT_MS / 1_000}s`],
    ['wal_receiver_timeout', '3s'],
    // Longer than the sender's time-out: so the sender asks every 1.5 s, and its question proves that it lives.
    ['wal_receiver_status_interval', '10s'],
    // The second net under promotions and re-pointing that meet a receiver being forked (default 5 s).
    ['wal_retrieve_retry_interval', '100ms'],
    ['recovery_target_timeline', 'latest'],
    ['recovery_target', ''],
    ['recovery_target_lsn', ''],
    ['recovery_target_name', ''],
    ['recovery_target_time', ''],
    ['recovery_target_xid', ''],
    ['recovery_min_apply_delay', '0'],
    ['primary_conninfo', upstream === null ? '' : upstreamConninfo(options, passfile, upstream)],
    ['primary_slot_name', upstream?.slot ?? ''],
  ];
}

function sslSettings(options: PostgresServerOptions): Setting[] {
  const { ssl } = options;
  if (ssl.mode === 'off') return [['ssl', 'off']];
  return [
    ['ssl', 'on'],
    ['ssl_cert_file', ssl.certFile],
    ['ssl_key_file', ssl.keyFile],
    ['ssl_ca_file', ssl.caFile ?? ''],
  ];
}

function upstreamConninfo(
  options: PostgresServerOptions,
  passfile: string,
  upstream: UpstreamSettings,
): string {
  return replicationConninfo(options, passfile, {
    host: upstream.host,
    port: upstream.port,
    applicationName: upstream.applicationName,
  });
}

/** How the members of a group connect to each other; with a passfile, never with a password. */
export function replicationConninfo(
  options: PostgresServerOptions,
  passfile: string,
  target: {
    readonly host: string;
    readonly port: number;
    readonly applicationName: string;
    readonly database?: string;
  },
): string {
  return conninfo({
    user: REPLICATION_ROLE,
    host: target.host,
    port: String(target.port),
    ...(target.database === undefined ? {} : { dbname: target.database }),
    application_name: target.applicationName,
    ...(options.secrets === null ? {} : { passfile }),
    ...sslParameters(options),
    gssencmode: 'disable',
    connect_timeout: '2',
    keepalives_idle: '2',
    keepalives_interval: '1',
    keepalives_count: '3',
    tcp_user_timeout: '5000',
  });
}

function sslParameters({ ssl }: PostgresServerOptions): Record<string, string> {
  if (ssl.mode === 'off') return { sslmode: 'prefer' };
  return ssl.caFile === undefined
    ? { sslmode: 'require' }
    : { sslmode: 'verify-ca', sslrootcert: ssl.caFile };
}

/** A connection string of keywords and values, in libpq's own quoting. */
export function conninfo(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${quoteConninfo(value)}`)
    .join(' ');
}

function quoteConninfo(value: string): string {
  if (/^[\w.:/@-]+$/.test(value)) return value;
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A value as postgresql.conf wants it. */
export function quoteSetting(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function line([name, value]: Setting): string {
  return `${name} = ${quoteSetting(value)}`;
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
