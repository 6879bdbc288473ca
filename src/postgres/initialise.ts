import { BatonError } from '../lib/baton-error.ts';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { programEnvironment, type CommandResult } from '../system/run-command.ts';
import { limitOf } from './configuration.ts';
import { emptyDirectory, syncFileSystem } from './data-directory.ts';
import { provideDatabase, provideRoles } from './roles.ts';
import { readSentinel, removeSentinel, writeSentinel } from './sentinel.ts';
import { program, type ServerContext } from './server-context.ts';
import type { Sessions } from './sessions.ts';

/** What making a new server needs of the server around it. */
export interface InitialiseParts {
  readonly context: ServerContext;
  readonly sessions: Sessions;
  readonly startAlone: (limit: TimeLimit) => Promise<void>;
  readonly stop: (limit: TimeLimit) => Promise<void>;
}

/** See {@link PostgresServer.initialise}. Throws BATON_REFUSED when there is data already. */
export async function initialise(parts: InitialiseParts, limit: TimeLimit): Promise<void> {
  const { context, sessions } = parts;
  const { disk, options } = context;
  const countdown = startCountdown(limit);
  const unfinished = await readSentinel(context, limitOf(countdown));
  // An earlier attempt of ours, in which nobody can have put any data yet.
  if (unfinished?.work === 'initialise') {
    await parts.stop(limitOf(countdown));
    await emptyDirectory(context, limitOf(countdown));
  }
  const content = await disk.list(options.dataDirectory, limitOf(countdown));
  if (content !== undefined && content.length > 0) {
    throw new BatonError('BATON_REFUSED', `"${options.dataDirectory}" is not empty`, {
      hint: 'A new server is only made in a new or an empty directory.',
    });
  }
  await writeSentinel(context, { work: 'initialise' }, limitOf(countdown));
  await runInitdb(context, limitOf(countdown));
  await syncFileSystem(context, options.dataDirectory, limitOf(countdown));
  await parts.startAlone(limitOf(countdown));
  await sessions.asSuperuser(limitOf(countdown), async (session) => {
    await provideRoles(session, options, limitOf(countdown));
    await provideDatabase(session, options.dbname, limitOf(countdown));
  });
  await parts.stop(limitOf(countdown));
  await removeSentinel(context, limitOf(countdown));
}

async function runInitdb(context: ServerContext, limit: TimeLimit): Promise<void> {
  const { options } = context;
  const trust = options.auth === 'trust';
  const locale = environmentLocale();
  const args = (localeName: string): string[] => [
    `--pgdata=${options.dataDirectory}`,
    `--username=${options.username}`,
    // initdb's own default lets everybody on the machine in as anybody.
    `--auth-local=${trust ? 'trust' : 'peer'}`,
    `--auth-host=${trust ? 'trust' : 'scram-sha-256'}`,
    '--encoding=UTF8',
    `--locale=${localeName}`,
    // So that damage done by a disk is noticed, and pg_rewind can work.
    '--data-checksums',
    // Done for the whole file system afterwards, as for a copy.
    '--no-sync',
  ];
  const run = (localeName: string): Promise<CommandResult> =>
    context.run(program(context, 'initdb'), args(localeName), { ...limit, env: programEnvironment() });
  let result = await run(locale);
  if (result.exitCode !== 0 && /locale/.test(result.stderr)) {
    context.log('initdb does not know the locale, taking C', { locale });
    result = await run('C');
  }
  if (result.exitCode === 0) return;
  throw new BatonError('BATON_COMMAND_FAILED', `initdb could not make "${options.dataDirectory}"`, {
    detail: result.stderr.trim().slice(-1_000),
  });
}

/** The user's locale as far as it is UTF-8; else the plain one, which sorts the same on every machine. */
function environmentLocale(): string {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  const locale = LC_ALL || LC_CTYPE || LANG || '';
  return /utf-?8$/i.test(locale) ? locale : 'C.UTF-8';
}
