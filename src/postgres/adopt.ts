import { startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import { BatonError } from '../lib/baton-error.ts';
import { limitOf, type Configuration } from './configuration.ts';
import { readControlData } from './control-data.ts';
import { checkDataDirectory } from './data-directory.ts';
import { provideDatabase, provideRoles } from './roles.ts';
import { booleanOf, optionalText, textOf } from './row.ts';
import type { ServerContext } from './server-context.ts';
import type { PostgresServerOptions } from './server-options.ts';
import type { ServerProcess } from './server-process.ts';
import type { Sessions } from './sessions.ts';
import type { SettingsControl } from './settings-control.ts';
import { QUIET_SETTINGS } from './settings-control.ts';
import { sqlStateOf, type Row, type SqlSession } from './sql-session.ts';
import { placeStandbySignal } from './standby-signal.ts';

/** What taking over an existing server needs of the server around it. */
export interface AdoptParts {
  readonly context: ServerContext;
  readonly process: ServerProcess;
  readonly sessions: Sessions;
  readonly configuration: Configuration;
  readonly settings: SettingsControl;
  /** Starts a stopped primary so that only this machine reaches it. */
  readonly startAlone: (limit: TimeLimit) => Promise<void>;
  readonly stop: (limit: TimeLimit) => Promise<void>;
}

/** See {@link PostgresServer.adopt}. May be called again after it failed, or on a server that is adopted already. */
export async function adopt(parts: AdoptParts, limit: TimeLimit): Promise<void> {
  const { context, process, configuration } = parts;
  const countdown = startCountdown(limit);
  await checkDataDirectory(context, limitOf(countdown));
  if (configuration.desired() === undefined) configuration.desire(QUIET_SETTINGS);
  if (await runsAlone(parts, countdown)) await parts.stop(limitOf(countdown));
  if ((await process.find(limitOf(countdown))) !== undefined) {
    await takeOver(parts, countdown);
    await requireUsable(parts, countdown);
  } else if (await isStandby(context, countdown)) {
    // Its roles and its schema come with the WAL of its primary.
    await requireOwnFiles(context, countdown);
  } else {
    await requireOwnFiles(context, countdown);
    await parts.startAlone(limitOf(countdown));
    try {
      await takeOver(parts, countdown);
    } finally {
      await parts.stop({ timeoutMs: Math.max(10_000, countdown.remainingMs()) });
    }
  }
  // Only now: before, somebody may still have to restart it by hand as the primary that it is.
  await placeStandbySignal(context, limitOf(countdown));
  configuration.distrust();
}

/** An earlier attempt was killed while it had the server started for itself. */
async function runsAlone({ process, sessions }: AdoptParts, countdown: Countdown): Promise<boolean> {
  if ((await process.find(limitOf(countdown))) === undefined) return false;
  const text = `SELECT setting = '' AND source = 'command line' AS alone FROM pg_settings WHERE name = 'listen_addresses'`;
  try {
    const ask = (session: SqlSession): Promise<readonly Row[]> => session.query(text, [], limitOf(countdown));
    return booleanOf((await sessions.asSuperuser(limitOf(countdown), ask))[0], 'alone');
  } catch (error) {
    // Our own HBA entries would have let us in.
    if (sqlStateOf(error) !== undefined) return false;
    throw error;
  }
}

async function isStandby(context: ServerContext, countdown: Countdown): Promise<boolean> {
  const { state } = await readControlData(context, limitOf(countdown));
  return state === 'shut_down_in_recovery' || state === 'in_archive_recovery';
}

async function takeOver(parts: AdoptParts, countdown: Countdown): Promise<void> {
  const { context, sessions, settings, configuration } = parts;
  const facts = await lookAround(parts, countdown);
  requireSameFiles(context, facts);
  if (!booleanOf(facts, 'in_recovery')) {
    await sessions.asSuperuser(limitOf(countdown), async (session) => {
      await provideRoles(session, context.options, limitOf(countdown));
      await provideDatabase(session, context.options.dbname, limitOf(countdown));
    });
    sessions.drop();
  }
  configuration.distrust();
  await settings.configure(configuration.desired() ?? QUIET_SETTINGS, limitOf(countdown));
}

async function requireUsable({ context, sessions }: AdoptParts, countdown: Countdown): Promise<void> {
  const problems = await sessions.asSuperuser(limitOf(countdown), (session) =>
    findProblems(session, context, limitOf(countdown)),
  );
  if (problems.length === 0) return;
  throw new BatonError(
    'BATON_DATA_DIRECTORY',
    'the server has settings that need a restart before pgbaton can use it',
    {
      detail: problems.join(' '),
      hint: 'The new values are written already. Restart PostgreSQL when it suits you, and run this again.',
    },
  );
}

async function lookAround(parts: AdoptParts, countdown: Countdown): Promise<Row | undefined> {
  const text = `SELECT pg_is_in_recovery() AS in_recovery, current_setting('config_file') AS config_file,
    current_setting('hba_file') AS hba_file, current_setting('data_directory') AS data_directory`;
  const ask = async (session: SqlSession): Promise<Row | undefined> =>
    (await session.query(text, [], limitOf(countdown)))[0];
  try {
    return await parts.sessions.asSuperuser(limitOf(countdown), ask);
  } catch (error) {
    if (sqlStateOf(error) !== '28000' && sqlStateOf(error) !== '28P01') throw error;
  }
  // The operator's HBA entries do not let the server's own user in; ours do.
  await parts.configuration.write('', limitOf(countdown));
  await parts.process.reload(limitOf(countdown));
  return parts.sessions.asSuperuser(limitOf(countdown), ask);
}

/** Packages keep the files elsewhere, and start the server with options that say so; pgbaton starts it without. */
function requireSameFiles(context: ServerContext, facts: Row | undefined): void {
  const directory = textOf(facts, 'data_directory');
  const outside = ['config_file', 'hba_file']
    .map((name) => textOf(facts, name))
    .filter((path) => {
      return !path.startsWith(`${directory}/`);
    });
  if (outside.length === 0) return;
  throw new BatonError(
    'BATON_DATA_DIRECTORY',
    'the configuration of the server is not in its data directory',
    {
      detail: `It uses ${outside.join(' and ')}.`,
      hint: `Copy postgresql.conf, pg_hba.conf and pg_ident.conf into "${context.options.dataDirectory}", take data_directory, hba_file and ident_file out of the copy, stop the server, and switch its service off: pgbaton starts it from then on.`,
    },
  );
}

async function requireOwnFiles(context: ServerContext, countdown: Countdown): Promise<void> {
  for (const path of [context.files.mainConfiguration, context.files.hba]) {
    if (await context.disk.exists(path, limitOf(countdown))) continue;
    throw new BatonError('BATON_DATA_DIRECTORY', `"${path}" does not exist`, {
      detail: 'The configuration of this server is kept outside of its data directory.',
      hint: 'Copy postgresql.conf, pg_hba.conf and pg_ident.conf into the data directory, and take data_directory, hba_file and ident_file out of the copy.',
    });
  }
}

const NEEDED: readonly { readonly name: string; readonly minimum: number }[] = [
  { name: 'max_wal_senders', minimum: 4 },
  { name: 'max_replication_slots', minimum: 4 },
];

/** Sentences, one for each setting with which the running server can't take part. */
async function findProblems(
  session: SqlSession,
  { options, log }: ServerContext,
  limit: TimeLimit,
): Promise<readonly string[]> {
  const rows = await session.query('SELECT name, setting, pending_restart FROM pg_settings', [], limit);
  const setting = new Map(rows.map((row) => [textOf(row, 'name'), optionalText(row, 'setting') ?? '']));
  const problems: string[] = [];
  const report = (name: string, wanted: string): void => {
    problems.push(`"${name}" is ${setting.get(name) || 'empty'}, and has to be ${wanted}.`);
  };
  if (setting.get('wal_level') === 'minimal') report('wal_level', 'replica or logical');
  for (const { name, minimum } of NEEDED) {
    if (Number(setting.get(name)) < minimum) report(name, `at least ${minimum}`);
  }
  if (setting.get('port') !== String(options.port)) report('port', String(options.port));
  if (!listensFor(setting.get('listen_addresses') ?? '', options)) {
    report('listen_addresses', options.listenAddresses);
  }
  const pending = rows.filter((row) => booleanOf(row, 'pending_restart')).map((row) => textOf(row, 'name'));
  if (pending.length > 0) log('settings that take effect at the next restart', { settings: pending });
  return problems;
}

const EVERYWHERE = ['*', '0.0.0.0', '::'];
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** Whether peers that go by this node's host name reach a server that listens there. */
function listensFor(listenAddresses: string, options: PostgresServerOptions): boolean {
  const listens = listenAddresses.split(',').map((part) => part.trim());
  if (listens.some((address) => EVERYWHERE.includes(address))) return true;
  if (options.listenAddresses === listenAddresses || listens.includes(options.hostname)) return true;
  // Which of several addresses belongs to the host name, nobody but the network knows.
  const loopsOnly = listens.every((address) => address === '' || LOOPBACK.includes(address));
  return !loopsOnly || (listenAddresses !== '' && LOOPBACK.includes(options.hostname));
}
