import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../system/atomic-file.ts';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import type { ServerContext } from './server-context.ts';
import { historyFileName, timelineOfHistoryFile } from './timeline-history.ts';

/*
 * PostgreSQL gives a promotion the first number after the present timeline that
 * has no history file. Empty files for the numbers in between steer it past
 * those that promotions by hand may have used. Followers fetch them with the
 * real one that comes behind them.
 */

/** Puts an empty history file for each number between, unless there is one; `present` and `wanted` excluded. */
export async function placePlaceholders(
  { disk, files }: ServerContext,
  present: number,
  wanted: number,
  limit: TimeLimit,
): Promise<void> {
  const countdown = startCountdown(limit);
  const names = new Set(await disk.list(files.walDirectory, limitOf(countdown)));
  const missing: string[] = [];
  for (let timeline = present + 1; timeline < wanted; timeline++) {
    const name = historyFileName(timeline);
    if (!names.has(name)) missing.push(name);
  }
  if (missing.length === 0) return;
  await disk.run('writing placeholder history files', limitOf(countdown), async (signal) => {
    for (const name of missing) {
      signal.throwIfAborted();
      await writeFile(join(files.walDirectory, name), '', { mode: 0o600, flag: 'wx' });
    }
    // The history file of the promotion itself comes into this directory next, and PostgreSQL syncs it then.
  });
}

/**
 * Takes away the empty files that no real history follows. A standby that is
 * started on top of them does not come up. They are left from a promotion that
 * did not come about, or this server died while it fetched them.
 */
export async function removePlaceholders({ disk, files }: ServerContext, limit: TimeLimit): Promise<void> {
  const countdown = startCountdown(limit);
  const names = await disk.list(files.walDirectory, limitOf(countdown));
  const histories = (names ?? []).filter((name) => timelineOfHistoryFile(name) !== undefined);
  if (histories.length === 0) return;
  await disk.run('removing placeholder history files', limitOf(countdown), async (signal) => {
    // As they are all of the same length, the order of the names is that of the numbers.
    for (const name of histories.sort().reverse()) {
      signal.throwIfAborted();
      const path = join(files.walDirectory, name);
      if ((await stat(path)).size > 0) break;
      await rm(path);
    }
    await syncDirectory(files.walDirectory);
  });
}
