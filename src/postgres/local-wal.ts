import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import type { Lineage, TimelineSwitch } from '../core/lineage.ts';
import { lagBytes, lsnFromBytes, lsnToBytes, maxLsn, type Lsn } from '../core/lsn.ts';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { limitOf } from './configuration.ts';
import { isCleanlyStopped, readControlData, type ControlData } from './control-data.ts';
import type { ServerFacts } from './observation-query.ts';
import { program, type ServerContext } from './server-context.ts';
import { historyFileName, lineageAt, parseHistory, timelineOfSegment } from './timeline-history.ts';
import { segmentName, segmentNumber } from './wal-segment.ts';

/** What the files in pg_wal tell, whether the server runs or not. */
export interface LocalWal {
  /** The timelines before this one; throws BATON_DATA_DIRECTORY when its history file is missing. */
  historyOf(timeline: number, limit: TimeLimit): Promise<readonly TimelineSwitch[]>;
  /** The highest timeline of which there is WAL; undefined when there is none at all. */
  newestTimeline(limit: TimeLimit): Promise<number | undefined>;
  /**
   * Where a standby's WAL ends. What it has received may end in the middle of a
   * record, because WAL is sent in pages; such a tail is nobody's commit, and a
   * successor forks before it. Reads the WAL behind the replay position when
   * nothing more can come; null while the end is not certain.
   */
  endOfStandby(facts: ServerFacts, timeline: number, limit: TimeLimit): Promise<Lsn | null>;
  /** Another server's files have taken the place of those that were read before. */
  forget(): void;
  /** The end of WAL of a server that was stopped cleanly. Throws BATON_REFUSED when it was not. */
  stoppedLineage(control: ControlData, limit: TimeLimit): Promise<Lineage>;
}

export function createLocalWal(context: ServerContext): LocalWal {
  const { files, disk } = context;
  const histories = new Map<number, readonly TimelineSwitch[]>();

  const historyOf: LocalWal['historyOf'] = async (timeline, limit) => {
    if (timeline === 1) return [];
    const known = histories.get(timeline);
    if (known) return known;
    const path = join(files.walDirectory, historyFileName(timeline));
    const history = parseHistory((await disk.readText(path, limit)) ?? '');
    // An empty one is a placeholder, never the history of WAL that exists.
    if (history.length === 0) {
      throw new BatonError('BATON_DATA_DIRECTORY', `the history of timeline ${timeline} is missing`, {
        detail: `"${path}" does not exist or is empty.`,
      });
    }
    histories.set(timeline, history);
    return history;
  };

  const newestTimeline: LocalWal['newestTimeline'] = async (limit) => {
    const names = (await disk.list(files.walDirectory, limit)) ?? [];
    const timelines = names.map(timelineOfSegment).filter((timeline) => timeline !== undefined);
    return timelines.length === 0 ? undefined : Math.max(...timelines);
  };

  let lastEnd: { readonly of: string; readonly end: Lsn } | undefined;
  const endOfStandby: LocalWal['endOfStandby'] = async (facts, timeline, limit) => {
    const { endLsn, receiveLsn, replayLsn, receiverRunning } = facts;
    if (receiverRunning || endLsn === null || receiveLsn === null || replayLsn === null) return endLsn;
    const tailBytes = lagBytes(receiveLsn, replayLsn);
    if (tailBytes === 0 || tailBytes > TAIL_BYTES) return endLsn;
    const of = `${timeline} ${replayLsn} ${receiveLsn}`;
    if (lastEnd?.of !== of) {
      const countdown = startCountdown(limit);
      const control = await readControlData(context, limitOf(countdown));
      const end = await endOfWal(context, control, timeline, replayLsn, limitOf(countdown));
      lastEnd = { of, end: end ?? endLsn };
    }
    return lastEnd.end;
  };

  return {
    historyOf,
    newestTimeline,
    endOfStandby,
    forget() {
      histories.clear();
      lastEnd = undefined;
    },
    async stoppedLineage(control, limit) {
      if (!isCleanlyStopped(control)) {
        throw new BatonError(
          'BATON_REFUSED',
          'the end of the WAL is not known: PostgreSQL was not shut down cleanly',
        );
      }
      const countdown = startCountdown(limit);
      if (control.state === 'shut_down') {
        const timeline = control.checkpointTimeline;
        const lsn = await endOfShutdown(context, control, limitOf(countdown));
        return { position: { timeline, lsn }, history: await historyOf(timeline, limitOf(countdown)) };
      }
      // A standby may have received more than it has replayed: its WAL ends where the last whole record does.
      const newest = (await newestTimeline(limitOf(countdown))) ?? control.checkpointTimeline;
      const history = await historyOf(newest, limitOf(countdown));
      const from = maxLsn(control.minimumRecoveryEnd, control.checkpointLsn);
      let end = from;
      for (const timeline of timelinesFrom(from, newest, history)) {
        const start = maxLsn(end, history.findLast((entry) => entry.timeline < timeline)?.end ?? end);
        end = maxLsn(end, (await endOfWal(context, control, timeline, start, limitOf(countdown))) ?? end);
      }
      return lineageAt({ timeline: newest, lsn: end }, history);
    },
  };
}

/** The timelines that WAL behind a position can be on, in their order. */
function timelinesFrom(from: Lsn, newest: number, history: readonly TimelineSwitch[]): readonly number[] {
  const first = lineageAt({ timeline: newest, lsn: from }, history).position.timeline;
  return [...history.map(({ timeline }) => timeline).filter((timeline) => timeline >= first), newest];
}

/** A standby that has not replayed more than this is far behind: reading it all would take too long. */
const TAIL_BYTES = 1024 * 1024;

/** Reads the WAL of one timeline with pg_waldump up to the end of its last whole record; undefined when it is not there. */
async function endOfWal(
  context: ServerContext,
  control: ControlData,
  timeline: number,
  start: Lsn,
  limit: TimeLimit,
): Promise<Lsn | undefined> {
  const countdown = startCountdown(limit);
  const names = (await context.disk.list(context.files.walDirectory, limitOf(countdown))) ?? [];
  const filesEnd = endOfFiles(names, timeline, start, control.walSegmentBytes);
  if (filesEnd === undefined) return undefined;
  let end = start;
  const onLine = (line: string, stream: string): void => {
    const match =
      stream === 'stdout'
        ? /len \(rec\/tot\):\s*\d+\/\s*(\d+),.* lsn: ([0-9A-F]+\/[0-9A-F]+)/.exec(line)
        : null;
    if (match?.[1] !== undefined && match[2] !== undefined)
      end = recordEnd(match[2], Number(match[1]), control);
  };
  // Without an end it would wait five seconds for a file that is not there to appear.
  const args = ['-p', context.files.walDirectory, '-t', String(timeline), '-s', start, '-e', filesEnd];
  // It may end with an error: there is no more WAL. The records before that are what counts.
  await context.run(program(context, 'pg_waldump'), args, { ...limitOf(countdown), onLine });
  return end;
}

/** The shutdown checkpoint is the last record: where it begins stands in pg_control, and how long it is, in its first word. */
async function endOfShutdown(context: ServerContext, control: ControlData, limit: TimeLimit): Promise<Lsn> {
  const { checkpointLsn: start, checkpointTimeline, walSegmentBytes } = control;
  const number = segmentNumber(start, walSegmentBytes);
  const name = segmentName(checkpointTimeline, number, walSegmentBytes);
  const path = join(context.files.walDirectory, name);
  const offsetBytes = Number(lsnToBytes(start) - number * BigInt(walSegmentBytes));
  const totalBytes = await context.disk.run(`reading "${path}"`, limit, async () => {
    const file = await open(path, 'r');
    try {
      const { buffer } = await file.read(Buffer.alloc(4), 0, 4, offsetBytes);
      return buffer.readUInt32LE();
    } finally {
      await file.close();
    }
  });
  if (totalBytes >= CHECKPOINT_BYTES_MIN && totalBytes <= CHECKPOINT_BYTES_MAX)
    return recordEnd(start, totalBytes, control);
  throw new BatonError(
    'BATON_DATA_DIRECTORY',
    'the WAL does not end with the shutdown that pg_control names',
    {
      detail: `At ${start}, in "${name}", lies no checkpoint record.`,
    },
  );
}

/** A checkpoint record has a header of 24 bytes and the checkpoint, 88 bytes in version 15. */
const CHECKPOINT_BYTES_MIN = 64;
const CHECKPOINT_BYTES_MAX = 512;

/** Where the last of the segments ends that follow each other from a position on; undefined without the first. */
function endOfFiles(
  names: readonly string[],
  timeline: number,
  start: Lsn,
  segmentBytes: number,
): Lsn | undefined {
  const present = new Set(names);
  const first = segmentNumber(start, segmentBytes);
  let next = first;
  while (present.has(segmentName(timeline, next, segmentBytes))) next += 1n;
  return next === first ? undefined : lsnFromBytes(next * BigInt(segmentBytes));
}

const SHORT_PAGE_HEADER_BYTES = 24n;
const LONG_PAGE_HEADER_BYTES = 40n;

/** Where a WAL record of a total length ends: page headers lie inside it wherever it crosses a page. */
export function recordEnd(
  start: Lsn,
  totalBytes: number,
  sizes: Pick<ControlData, 'walBlockBytes' | 'walSegmentBytes'>,
): Lsn {
  const page = BigInt(sizes.walBlockBytes);
  const segment = BigInt(sizes.walSegmentBytes);
  let at = lsnToBytes(start);
  let left = BigInt(totalBytes);
  for (;;) {
    const room = page - (at % page);
    if (left <= room) break;
    left -= room;
    at += room;
    at += at % segment === 0n ? LONG_PAGE_HEADER_BYTES : SHORT_PAGE_HEADER_BYTES;
  }
  // Records are aligned to eight bytes.
  return lsnFromBytes((at + left + 7n) & ~7n);
}
