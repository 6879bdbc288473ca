import { rmdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { runOrFail } from '../system/run-command.ts';
import { limitOf } from './configuration.ts';
import { program, type ServerContext } from './server-context.ts';

/*
 * Trees are moved and removed by child processes: they may be large, and a
 * child may hang on the disk without harm. The data directory itself stays
 * where it is: it may be a mount point, or lie in a folder that the user may
 * not write to.
 */

/** Throws BATON_DATA_DIRECTORY when there is no data, or data that these programs or this user can't run. */
export async function checkDataDirectory(context: ServerContext, limit: TimeLimit): Promise<void> {
  const { disk, files, options } = context;
  const countdown = startCountdown(limit);
  const version = (await disk.readText(files.versionFile, limitOf(countdown)))?.trim();
  if (version === undefined) {
    throw new BatonError('BATON_DATA_DIRECTORY', `"${options.dataDirectory}" holds no PostgreSQL data`);
  }
  const major = await majorOfPrograms(context, limitOf(countdown));
  if (version !== major) {
    throw new BatonError(
      'BATON_DATA_DIRECTORY',
      `the data is of PostgreSQL ${version}, the programs are of ${major}`,
      {
        detail: `The programs are those in "${options.binDirectory}".`,
        hint: `Name the pg_ctl of version ${version} with --pgctl.`,
      },
    );
  }
  const { uid } = await disk.run('looking at the data directory', limitOf(countdown), () =>
    stat(options.dataDirectory),
  );
  if (uid !== process.getuid?.()) {
    throw new BatonError(
      'BATON_DATA_DIRECTORY',
      `"${basename(options.dataDirectory)}" belongs to another user`,
      {
        detail: `"${options.dataDirectory}" belongs to uid ${uid}; pgbaton runs as uid ${process.getuid?.()}.`,
        hint: 'Run pgbaton as the owner of the data.',
      },
    );
  }
}

const majors = new WeakMap<ServerContext, string>();

/** Asked once: the programs of another major version lie in another folder. */
async function majorOfPrograms(context: ServerContext, limit: TimeLimit): Promise<string | undefined> {
  const known = majors.get(context);
  if (known !== undefined) return known;
  const { stdout } = await runOrFail(context.run, program(context, 'postgres'), ['--version'], limit);
  const major = /(\d+)/.exec(stdout)?.[1];
  if (major !== undefined) majors.set(context, major);
  return major;
}

/** Removes all that is in the data directory. */
export async function emptyDirectory(context: ServerContext, limit: TimeLimit): Promise<void> {
  const { dataDirectory } = context.options;
  const countdown = startCountdown(limit);
  const names = (await context.disk.list(dataDirectory, limitOf(countdown))) ?? [];
  await removeTrees(
    context,
    names.map((name) => join(dataDirectory, name)),
    limitOf(countdown),
  );
}

/** Removes files and trees, and what tablespaces' symbolic links point to is left alone. */
export async function removeTrees(
  context: ServerContext,
  paths: readonly string[],
  limit: TimeLimit,
): Promise<void> {
  if (paths.length > 0)
    await runOrFail(context.run, 'rm', ['-rf', '--one-file-system', '--', ...paths], limit);
}

/** Moves entries into a directory; copies when that lies on another file system. */
export async function moveInto(
  context: ServerContext,
  directory: string,
  paths: readonly string[],
  limit: TimeLimit,
): Promise<void> {
  if (paths.length > 0) await runOrFail(context.run, 'mv', ['-t', directory, '--', ...paths], limit);
}

/** Makes all that was written to the file system of a path durable. */
export async function syncFileSystem(context: ServerContext, path: string, limit: TimeLimit): Promise<void> {
  await runOrFail(context.run, 'sync', ['-f', path], limit);
}

/** Removes the data directory itself too, where its place allows. */
export async function removeDataDirectory(context: ServerContext, limit: TimeLimit): Promise<void> {
  const { dataDirectory } = context.options;
  const countdown = startCountdown(limit);
  await emptyDirectory(context, limitOf(countdown));
  await context.disk.run(`removing "${dataDirectory}"`, limitOf(countdown), async () => {
    // A mount point or a folder in somebody else's folder stays, empty.
    const tolerated = ['ENOENT', 'EBUSY', 'EACCES', 'EPERM'];
    await rmdir(dataDirectory).catch((error: NodeJS.ErrnoException) => {
      if (!tolerated.includes(error.code ?? '')) throw error;
    });
  });
}
