import { join } from 'node:path';
import type { Lineage } from '../core/lineage.ts';
import type { Position } from '../core/group-record.ts';
import type { Lsn } from '../core/lsn.ts';
import { startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import { runOrFail } from '../system/run-command.ts';
import { limitOf } from './configuration.ts';
import { program, type ServerContext } from './server-context.ts';
import type { SourceServer } from './postgres-server.ts';
import { parseSegmentName, segmentNumber } from './wal-segment.ts';

/** A new directory below lost-found/, named by the time, for people. */
export async function makeLostFoundDirectory(
  context: ServerContext,
  purpose: string,
  limit: TimeLimit,
): Promise<string> {
  const time = new Date()
    .toISOString()
    .replaceAll(':', '')
    .replace(/\.\d+Z$/, 'Z');
  for (let count = 1; ; count++) {
    const name = count === 1 ? `${time}-${purpose}` : `${time}-${purpose}-${count}`;
    const path = join(context.files.lostFound, name);
    if (await context.disk.exists(path, limit)) continue;
    await context.disk.makeDirectory(path, 0o700, limit);
    return path;
  }
}

/** What a rewind takes back. */
export interface Discarded {
  readonly local: Lineage;
  readonly fork: Position;
  readonly segmentBytes: number;
}

/** A transaction that was committed here and is in nobody's history. */
interface DiscardedCommit {
  readonly transaction: string;
  readonly lsn: Lsn;
  readonly time: string;
}

const LISTED_COMMITS = 10_000;

/**
 * Keeps the WAL that a rewind is about to discard, with a report of what was
 * committed in it. Returns the first lines of the report.
 */
export async function keepDiscardedWal(
  context: ServerContext,
  directory: string,
  source: SourceServer,
  discarded: Discarded,
  limit: TimeLimit,
): Promise<string> {
  const countdown = startCountdown(limit);
  const names = await divergentFiles(context, discarded, countdown);
  if (names.length > 0) {
    const paths = names.map((name) => join(context.files.walDirectory, name));
    await runOrFail(context.run, 'cp', ['-p', '-t', directory, '--', ...paths], limitOf(countdown));
  }
  const { count, commits } = await readCommits(context, discarded, countdown);
  const { fork, local } = discarded;
  const summary = [
    `${count} committed transaction${count === 1 ? '' : 's'} discarded by a rewind against ${source.host}:${source.port}.`,
    `WAL from ${fork.lsn} on timeline ${fork.timeline} to ${local.position.lsn} on timeline ${local.position.timeline}.`,
    `The segments are in ${directory}; pg_waldump reads them.`,
  ].join('\n');
  const table = commits.map(({ transaction, lsn, time }) => `${transaction}\t${lsn}\t${time}`);
  const more = count > commits.length ? [`and ${count - commits.length} more`] : [];
  const text = [summary, '', 'transaction\tcommit record at\tcommitted at', ...table, ...more, ''].join('\n');
  await context.disk.writeText(join(directory, 'report.txt'), text, 0o600, limitOf(countdown));
  return summary;
}

/**
 * Takes away the segments of the timelines that a rewind has left. pg_rewind
 * keeps the one with the fork (since 15.11) and not its history file: without
 * an upstream the server would be taken for one that ends on that timeline.
 */
export async function removeForeignSegments(
  { disk, files }: ServerContext,
  { local, fork, segmentBytes }: Discarded,
  remote: Lineage,
  limit: TimeLimit,
): Promise<void> {
  const countdown = startCountdown(limit);
  const shared = timelinesOf(remote);
  const left = timelinesOf(local).filter(
    (timeline) => timeline > fork.timeline && !shared.includes(timeline),
  );
  for (const name of (await disk.list(files.walDirectory, limitOf(countdown))) ?? []) {
    const segment = parseSegmentName(name, segmentBytes);
    if (segment && left.includes(segment.timeline))
      await disk.remove(join(files.walDirectory, name), limitOf(countdown));
  }
}

function timelinesOf({ history, position }: Lineage): readonly number[] {
  return [...history.map(({ timeline }) => timeline), position.timeline];
}

async function divergentFiles(
  { disk, files }: ServerContext,
  { local, fork, segmentBytes }: Discarded,
  countdown: Countdown,
): Promise<readonly string[]> {
  const first = segmentNumber(fork.lsn, segmentBytes);
  const last = segmentNumber(local.position.lsn, segmentBytes);
  const names = (await disk.list(files.walDirectory, limitOf(countdown))) ?? [];
  return names.filter((name) => {
    const segment = parseSegmentName(name, segmentBytes);
    if (!segment) return name.endsWith('.history');
    // Behind the last one are only files that were made ready for later.
    return segment.timeline >= fork.timeline && segment.number >= first && segment.number <= last;
  });
}

async function readCommits(
  context: ServerContext,
  { local, fork }: Discarded,
  countdown: Countdown,
): Promise<{ readonly count: number; readonly commits: readonly DiscardedCommit[] }> {
  let count = 0;
  const commits: DiscardedCommit[] = [];
  const onLine = (line: string, stream: string): void => {
    const match =
      stream === 'stdout'
        ? /tx:\s*(\d+), lsn: ([0-9A-F/]+),.* desc: COMMIT(?:_PREPARED)? ([^;]+)/.exec(line)
        : null;
    if (!match) return;
    count += 1;
    const [, transaction = '', lsn = '', time = ''] = match;
    if (commits.length < LISTED_COMMITS) commits.push({ transaction, lsn, time: time.trim() });
  };
  const way = [...local.history, { timeline: local.position.timeline, end: local.position.lsn }];
  for (const [index, { timeline, end }] of way.entries()) {
    if (timeline < fork.timeline) continue;
    const start = timeline === fork.timeline ? fork.lsn : (way[index - 1]?.end ?? fork.lsn);
    const args = ['-p', context.files.walDirectory, '-t', String(timeline), '-s', start, '-e', end];
    // It ends with an error when the WAL does; what it has read by then counts.
    await context.run(program(context, 'pg_waldump'), [...args, '-r', 'Transaction'], {
      ...limitOf(countdown),
      onLine,
    });
  }
  return { count, commits };
}
