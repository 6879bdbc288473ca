import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../system/atomic-file.ts';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import type { ServerContext } from './server-context.ts';
import { historyFileName } from './timeline-history.ts';

/*
 * PostgreSQL gives a promotion the first number after the present timeline that
 * has no history file. Empty files for the numbers in between steer it past
 * those that other promotions may have used. A standby that is restarted on top
 * of files that nothing follows does not come up, so what was put there is
 * written down first, and taken away when it was not used.
 */

/** Puts an empty history file for each number between, unless there is one; `present` and `wanted` excluded. */
export async function placePlaceholders(
  context: ServerContext,
  present: number,
  wanted: number,
  limit: TimeLimit,
): Promise<void> {
  const { disk, files } = context;
  const countdown = startCountdown(limit);
  const names = ((await disk.list(files.walDirectory, limitOf(countdown))) ?? []).filter((name) =>
    name.endsWith('.history'),
  );
  const missing: string[] = [];
  for (let timeline = present + 1; timeline < wanted; timeline++) {
    if (!names.includes(historyFileName(timeline))) missing.push(historyFileName(timeline));
  }
  if (missing.length === 0) return;
  await disk.writeText(files.placeholders, `${JSON.stringify(missing)}\n`, 0o600, limitOf(countdown));
  await disk.run('writing placeholder history files', limitOf(countdown), async (signal) => {
    for (const name of missing) {
      signal.throwIfAborted();
      await writeFile(join(files.walDirectory, name), '', { mode: 0o600, flag: 'wx' });
    }
    await syncDirectory(files.walDirectory);
  });
}

/** They have been used: real history follows them. */
export function keepPlaceholders(context: ServerContext, limit: TimeLimit): Promise<void> {
  return context.disk.remove(context.files.placeholders, limit);
}

/** Takes away those of a promotion that did not come about. For a standby, running or not. */
export async function removePlaceholders(context: ServerContext, limit: TimeLimit): Promise<void> {
  const { disk, files } = context;
  const countdown = startCountdown(limit);
  const journal = await disk.readText(files.placeholders, limitOf(countdown));
  if (journal === undefined) return;
  const names = JSON.parse(journal) as readonly string[];
  await disk.run('removing placeholder history files', limitOf(countdown), async (signal) => {
    for (const name of names) {
      signal.throwIfAborted();
      const path = join(files.walDirectory, name);
      // One that has content is a real history by now, fetched from an upstream.
      const size = await stat(path).then(
        (found) => found.size,
        () => undefined,
      );
      if (size === 0) await rm(path);
    }
    await syncDirectory(files.walDirectory);
  });
  await disk.remove(files.placeholders, limitOf(countdown));
}
