import { join } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import { syncDirectory } from '../system/atomic-file.ts';
import { startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import { runOrFail } from '../system/run-command.ts';
import { limitOf } from './configuration.ts';
import { parseControlData } from './control-data.ts';
import { emptyDirectory, moveInto, removeTrees, syncFileSystem } from './data-directory.ts';
import { endLeftoverCommand, forgetCommand, rememberCommand } from './leftover-command.ts';
import { makeLostFoundDirectory } from './lost-found.ts';
import { replicationConninfo } from './managed-settings.ts';
import type { SourceServer } from './postgres-server.ts';
import { textOf } from './row.ts';
import { readSentinel, removeSentinel, writeSentinel } from './sentinel.ts';
import { program, type ServerContext } from './server-context.ts';
import { openSourceSession, provideSourceSlot, readSourceState } from './source-session.ts';
import type { SqlSession } from './sql-session.ts';

const FIRST_SIGN_MS = 10 * 60_000;
const SILENCE_MS = 60_000;

/**
 * Copies a running server; see {@link PostgresServer.clone}. The server here
 * must be stopped. The copy is made inside the data directory, in a folder of
 * its own, and what was there stays whole until the copy is; then the two
 * change places. A sentinel covers that change.
 */
export async function clone(
  context: ServerContext,
  source: SourceServer,
  progress: (text: string) => void,
  limit: TimeLimit,
): Promise<void> {
  const { disk, options } = context;
  const countdown = startCountdown(limit);
  await endLeftoverCommand(context, limitOf(countdown));
  await finishOrRemoveEarlierAttempt(context, countdown);
  await disk.makeDirectory(options.dataDirectory, 0o700, limitOf(countdown));

  const session = await openSourceSession(context, source, { timeoutMs: Math.min(10_000, limit.timeoutMs) });
  let tablespaces: readonly string[];
  try {
    await readSourceState(session, source, limitOf(countdown));
    tablespaces = await checkTablespaces(context, session, countdown);
    await provideSourceSlot(session, source.slot, limitOf(countdown));
  } finally {
    session.destroy();
  }
  await runBaseBackup(context, source, progress, countdown);
  await checkCopy(context, source, countdown);

  progress('moving the copy into its place');
  const keptIn = await moveOldDataOut(context, countdown);
  await writeSentinel(context, { work: 'clone', stage: 'move_in', keptIn }, limitOf(countdown));
  await moveCopyIn(context, countdown);
  progress('waiting for the disk');
  for (const path of [options.dataDirectory, ...tablespaces]) {
    await syncFileSystem(context, path, limitOf(countdown));
  }
  await disk.run('making the copy durable', limitOf(countdown), () => syncDirectory(options.dataDirectory));
  await removeSentinel(context, limitOf(countdown));
  if (keptIn !== '') context.log('the former data was kept', { directory: keptIn });
}

async function finishOrRemoveEarlierAttempt(context: ServerContext, countdown: Countdown): Promise<void> {
  const unfinished = await readSentinel(context, limitOf(countdown));
  if (unfinished?.work === 'clone' && unfinished.stage === 'move_out') {
    await moveOut(context, unfinished.keptIn, countdown);
    await emptyDirectory(context, limitOf(countdown));
  }
  // Nothing but a copy and what initdb made lies there then.
  if (unfinished?.work === 'initialise' || (unfinished?.work === 'clone' && unfinished.stage === 'move_in')) {
    await emptyDirectory(context, limitOf(countdown));
  }
  await removeTrees(context, [context.files.stagedCopy], limitOf(countdown));
}

/** pg_basebackup keeps the paths of tablespaces; two members on one machine can't share them. */
async function checkTablespaces(
  context: ServerContext,
  session: SqlSession,
  countdown: Countdown,
): Promise<readonly string[]> {
  const rows = await session.query(
    `SELECT pg_tablespace_location(oid) AS path FROM pg_tablespace WHERE pg_tablespace_location(oid) <> ''`,
    [],
    limitOf(countdown),
  );
  const paths = rows.map((row) => textOf(row, 'path'));
  for (const path of paths) {
    const content = await context.disk.list(path, limitOf(countdown));
    if (content === undefined || content.length === 0) continue;
    throw new BatonError('BATON_DATA_DIRECTORY', `the tablespace directory "${path}" is not empty here`, {
      detail: 'The server to copy has a tablespace there, and the copy needs the same path.',
      hint: 'Move away what is in it, if it is left from an earlier copy, and try again.',
    });
  }
  return paths;
}

async function runBaseBackup(
  context: ServerContext,
  source: SourceServer,
  progress: (text: string) => void,
  countdown: Countdown,
): Promise<void> {
  const { options, files } = context;
  const target = { host: source.host, port: source.port, applicationName: 'pgbaton_copy' };
  const args = [
    `--dbname=${replicationConninfo(options, files.passfile, target)}`,
    `--pgdata=${files.stagedCopy}`,
    '--checkpoint=fast',
    '--wal-method=stream',
    `--slot=${source.slot}`,
    '--progress',
    '--verbose',
    '--no-password',
    '--no-manifest',
    // Done for the whole file system after the copy has been moved.
    '--no-sync',
    ...(options.maximumBackupRate === undefined ? [] : [`--max-rate=${options.maximumBackupRate}`]),
  ];
  let flows = false;
  progress('base backup, waiting for the checkpoint of the source');
  const remembered: Promise<void>[] = [];
  try {
    await runOrFail(context.run, program(context, 'pg_basebackup'), args, {
      ...limitOf(countdown),
      silenceMs: () => (flows ? SILENCE_MS : FIRST_SIGN_MS),
      onStart: (group) => remembered.push(rememberCommand(context, group)),
      onLine: (line) => {
        const text = parseBackupProgress(line);
        if (text === undefined) return;
        flows = true;
        progress(text);
      },
    });
  } finally {
    await Promise.all(remembered);
    await forgetCommand(context, { timeoutMs: 5_000 });
  }
}

/** `  43211/3145728 kB (1%), 0/1 tablespace …` in words; undefined for other lines. */
export function parseBackupProgress(line: string): string | undefined {
  const match = /(\d+)\/(\d+) kB \((\d+)%\)/.exec(line);
  if (!match) return undefined;
  return `base backup, ${match[3]} % of ${formatKilobytes(Number(match[2]))}`;
}

function formatKilobytes(kilobytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = kilobytes;
  while (value >= 1_000 && units.length > 1) {
    value /= 1_024;
    units.shift();
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[0]}`;
}

/** The source could have been replaced between the question and the copy. */
async function checkCopy(context: ServerContext, source: SourceServer, countdown: Countdown): Promise<void> {
  const { stdout } = await runOrFail(
    context.run,
    program(context, 'pg_controldata'),
    ['-D', context.files.stagedCopy],
    limitOf(countdown),
  );
  const { systemIdentifier } = parseControlData(stdout);
  if (systemIdentifier === source.systemIdentifier) return;
  throw new BatonError('BATON_SYSTEM_IDENTIFIER', 'the copy is of another server', {
    detail: `Its system identifier is ${systemIdentifier}; the group's is ${source.systemIdentifier}.`,
  });
}

/** Returns where the old data went; '' when there was none. */
async function moveOldDataOut(context: ServerContext, countdown: Countdown): Promise<string> {
  const content = (await context.disk.list(context.options.dataDirectory, limitOf(countdown))) ?? [];
  if (content.length <= 1) return '';
  const keptIn = await makeLostFoundDirectory(context, 'data', limitOf(countdown));
  await writeSentinel(context, { work: 'clone', stage: 'move_out', keptIn }, limitOf(countdown));
  await moveOut(context, keptIn, countdown);
  return keptIn;
}

async function moveOut(context: ServerContext, keptIn: string, countdown: Countdown): Promise<void> {
  const { dataDirectory } = context.options;
  const names = (await context.disk.list(dataDirectory, limitOf(countdown))) ?? [];
  const old = names
    .map((name) => join(dataDirectory, name))
    .filter((path) => path !== context.files.stagedCopy);
  await moveInto(context, keptIn, old, limitOf(countdown));
}

async function moveCopyIn(context: ServerContext, countdown: Countdown): Promise<void> {
  const { disk, files, options } = context;
  const names = (await disk.list(files.stagedCopy, limitOf(countdown))) ?? [];
  const paths = names.map((name) => join(files.stagedCopy, name));
  await moveInto(context, options.dataDirectory, paths, limitOf(countdown));
  await removeTrees(context, [files.stagedCopy], limitOf(countdown));
}
