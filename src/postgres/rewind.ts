import type { Lineage } from '../core/lineage.ts';
import type { Position } from '../core/group-record.ts';
import { BatonError } from '../lib/baton-error.ts';
import { sleep, startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import type { CommandResult } from '../system/run-command.ts';
import { capabilitiesOf } from './capabilities.ts';
import { limitOf } from './configuration.ts';
import { isCleanlyStopped, readControlData, type ControlData } from './control-data.ts';
import { findForkPoint } from './fork-point.ts';
import { syncFileSystem } from './data-directory.ts';
import { endLeftoverCommand, forgetCommand, rememberCommand } from './leftover-command.ts';
import type { LocalWal } from './local-wal.ts';
import { keepDiscardedWal, makeLostFoundDirectory, removeForeignSegments } from './lost-found.ts';
import { replicationConninfo } from './managed-settings.ts';
import type { RewindOutcome, SourceServer } from './postgres-server.ts';
import { compareWal } from './same-wal.ts';
import { isWhole, readSentinel, removeSentinel, writeSentinel } from './sentinel.ts';
import { program, type ServerContext } from './server-context.ts';
import { openSourceSession, readSourceState, type SourceState } from './source-session.ts';
import type { SqlSession } from './sql-session.ts';
import { placeStandbySignal } from './standby-signal.ts';

/** What a rewind needs of the server around it. */
export interface RewindParts {
  readonly context: ServerContext;
  readonly wal: LocalWal;
  /** Starts a crashed server as a standby without an upstream and stops it again; false when it can't recover so. */
  readonly recover: (limit: TimeLimit) => Promise<boolean>;
  /** Waited for when the data are the source's, before they count as whole. */
  readonly onRewound: () => Promise<void>;
}

const SILENCE_MS = 5 * 60_000;

/** See {@link PostgresServer.rewind}. The server here must be stopped; how it was stopped does not matter. */
export async function rewind(
  parts: RewindParts,
  source: SourceServer,
  progress: (text: string) => void,
  limit: TimeLimit,
): Promise<RewindOutcome> {
  const { context, wal } = parts;
  const countdown = startCountdown(limit);
  await endLeftoverCommand(context, limitOf(countdown));
  const unfinished = await readSentinel(context, limitOf(countdown));
  if (unfinished !== undefined && !isWhole(unfinished)) {
    return impossible(`an earlier "${unfinished.work}" was interrupted half-way`);
  }
  progress('rewind, finding the point where the histories part');
  const obstacle = await shutDownCleanly(parts, countdown);
  // Recovered or not: up to here they are the old data, good for a pledge when nobody else has them.
  await removeSentinel(context, limitOf(countdown));
  if (obstacle !== undefined) return impossible(obstacle);

  const session = await openSourceSession(context, source, { timeoutMs: Math.min(10_000, limit.timeoutMs) });
  try {
    const control = await readControlData(context, limitOf(countdown));
    const local = await wal.stoppedLineage(control, limitOf(countdown));
    const state = await readSourceState(session, source, limitOf(countdown));
    const judged = await judge(context, session, { local, state, control }, countdown);
    if (judged.kind === 'forked') {
      await seeCheckpointOnTimeline(session, source, state, countdown);
      const facts = { local, remote: lineageOf(state), fork: judged.at, control };
      return await takeBack(parts, source, facts, progress, countdown);
    }
    return judged;
  } finally {
    session.destroy();
  }
}

type Judgement =
  { readonly kind: 'forked'; readonly at: Position } | Exclude<RewindOutcome, { kind: 'rewound' }>;

async function judge(
  context: ServerContext,
  session: SqlSession,
  facts: { readonly local: Lineage; readonly state: SourceState; readonly control: ControlData },
  countdown: Countdown,
): Promise<Judgement> {
  const { local, state, control } = facts;
  const remote = lineageOf(state);
  const point = findForkPoint(local, remote);
  if (point.kind === 'unrelated') return impossible(point.because);
  const common = point.kind === 'contained' ? local.position : point.at;
  const same = await compareWal(
    context,
    session,
    common.lsn,
    local,
    remote,
    control.walSegmentBytes,
    limitOf(countdown),
  );
  if (same === 'different') {
    return impossible(
      `timeline ${common.timeline} has other content at the source than here before ${common.lsn}`,
    );
  }
  if (same === 'unknown') return impossible(`the source has no WAL any more from before ${common.lsn}`);
  return point.kind === 'contained' ? { kind: 'not_needed' } : point;
}

function lineageOf({ timeline, lsn, history }: SourceState): Lineage {
  return { position: { timeline, lsn }, history };
}

/** pg_rewind works on a server that was shut down cleanly. Returns what makes that impossible. */
async function shutDownCleanly(parts: RewindParts, countdown: Countdown): Promise<string | undefined> {
  const { context } = parts;
  const { disk, files } = context;
  const control = await readControlData(context, limitOf(countdown));
  if (isCleanlyStopped(control)) return undefined;
  // Recovery from a backup that was never made consistent would end in a corrupt server.
  if (await disk.exists(files.backupLabel, limitOf(countdown))) return 'a base backup was never recovered';
  // As a standby it writes no WAL of its own, so one that has nothing to take back stays so. The recovery
  // in single-user mode that pg_rewind would run adds a checkpoint, and refuses the standby.signal.
  await writeSentinel(context, { work: 'rewind', stage: 'recover', keptIn: '' }, limitOf(countdown));
  const recovered = await parts.recover(limitOf(countdown));
  return recovered ? undefined : 'it does not become consistent with the WAL that is here';
}

/** Before version 16 pg_rewind takes the source's timeline from its last checkpoint, and would see the one before. */
async function seeCheckpointOnTimeline(
  session: SqlSession,
  source: SourceServer,
  state: SourceState,
  countdown: Countdown,
): Promise<void> {
  const capabilities = capabilitiesOf(state.serverVersion);
  if (capabilities.rewindReadsFreshTimeline || state.checkpointTimeline === state.timeline) return;
  if (capabilities.checkpointRole) await session.query('CHECKPOINT', [], limitOf(countdown));
  while ((await readSourceState(session, source, limitOf(countdown))).checkpointTimeline !== state.timeline) {
    countdown.check("the source's first checkpoint on its timeline");
    await sleep(100);
  }
}

async function takeBack(
  { context, onRewound }: RewindParts,
  source: SourceServer,
  facts: {
    readonly local: Lineage;
    readonly remote: Lineage;
    readonly fork: Position;
    readonly control: ControlData;
  },
  progress: (text: string) => void,
  countdown: Countdown,
): Promise<RewindOutcome> {
  const keptIn = await makeLostFoundDirectory(context, 'rewind', limitOf(countdown));
  progress('rewind, keeping the WAL that will be discarded');
  const { local, remote, fork, control } = facts;
  const discarded = { local, fork, segmentBytes: control.walSegmentBytes };
  const report = await keepDiscardedWal(context, keptIn, source, discarded, limitOf(countdown));
  await writeSentinel(context, { work: 'rewind', stage: 'rewind', keptIn }, limitOf(countdown));
  const result = await runRewind(context, source, progress, countdown);
  if (result.exitCode !== 0) return await failed(context, result, countdown);
  if (/no rewind required/.test(`${result.stdout}${result.stderr}`)) {
    // A server that was promoted and killed before its first checkpoint has the timeline before in pg_control,
    // also after a recovery as a standby, and pg_rewind looks nowhere else.
    await removeSentinel(context, limitOf(countdown));
    return { kind: 'not_needed' };
  }
  await removeForeignSegments(context, discarded, remote, limitOf(countdown));
  await placeStandbySignal(context, limitOf(countdown));
  progress('waiting for the disk');
  await syncFileSystem(context, context.options.dataDirectory, limitOf(countdown));
  await onRewound();
  await removeSentinel(context, limitOf(countdown));
  context.log('rewound', { report, keptIn });
  return { kind: 'rewound', report };
}

/** Before pg_rewind knows which blocks to copy it changes nothing; after that the data is good for nothing else. */
async function failed(
  context: ServerContext,
  { stdout, stderr }: CommandResult,
  countdown: Countdown,
): Promise<RewindOutcome> {
  const touched = /need to copy/.test(`${stdout}${stderr}`);
  if (touched) return impossible(`pg_rewind failed half-way: ${lastLine(stderr)}`);
  await removeSentinel(context, limitOf(countdown));
  if (/connection to server|could not connect|server closed the connection/.test(stderr)) {
    throw new BatonError('BATON_UNREACHABLE', 'pg_rewind could not reach its source', {
      detail: lastLine(stderr),
    });
  }
  return impossible(`pg_rewind: ${lastLine(stderr)}`);
}

async function runRewind(
  context: ServerContext,
  source: SourceServer,
  progress: (text: string) => void,
  countdown: Countdown,
): Promise<CommandResult> {
  const { options, files } = context;
  const target = {
    host: source.host,
    port: source.port,
    applicationName: 'pgbaton_copy',
    database: 'postgres',
  };
  const args = [
    `--target-pgdata=${options.dataDirectory}`,
    `--source-server=${replicationConninfo(options, files.passfile, target)}`,
    '--progress',
    '--no-ensure-shutdown',
    // Done for the whole file system at once, which is much faster than file by file.
    '--no-sync',
  ];
  const remembered: Promise<void>[] = [];
  try {
    return await context.run(program(context, 'pg_rewind'), args, {
      ...limitOf(countdown),
      silenceMs: () => SILENCE_MS,
      onStart: (group) => remembered.push(rememberCommand(context, group)),
      onLine: (line) => {
        const percent = /\((\d+)%\) copied/.exec(line)?.[1];
        if (percent !== undefined) progress(`rewind, ${percent} % copied`);
      },
    });
  } finally {
    await Promise.all(remembered);
    await forgetCommand(context, { timeoutMs: 5_000 });
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

function impossible(because: string): { readonly kind: 'impossible'; readonly because: string } {
  return { kind: 'impossible', because };
}
