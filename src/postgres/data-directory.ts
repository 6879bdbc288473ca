import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { runOrFail } from '../system/run-command.ts';
import { limitOf } from './configuration.ts';
import type { ServerContext } from './server-context.ts';

/*
 * Trees are moved and removed by child processes: they may be large, and a
 * child may hang on the disk without harm. The data directory itself stays
 * where it is: it may be a mount point, or lie in a folder that the user may
 * not write to.
 */

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
