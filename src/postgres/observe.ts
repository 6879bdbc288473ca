import { parseStandbyTag } from '../core/application-name.ts';
import type { Follower, PostgresStatus, Upstream } from '../core/evidence.ts';
import type { Lineage } from '../core/lineage.ts';
import { lagBytes } from '../core/lsn.ts';
import { toBatonError } from '../lib/baton-error.ts';
import { startCountdown, type Countdown, type TimeLimit } from '../system/clock.ts';
import type { ChangeWatch } from './change-watch.ts';
import { limitOf, type Configuration } from './configuration.ts';
import { isCleanlyStopped, readControlData } from './control-data.ts';
import { createFreshProbe } from './fresh-probe.ts';
import type { LocalWal } from './local-wal.ts';
import { namesOfStandby, NOBODY } from './managed-settings.ts';
import {
  queryFacts,
  queryMarkerTerm,
  type FollowerFacts,
  type ReceiverFacts,
  type ServerFacts,
} from './observation-query.ts';
import type { Postmaster } from './postmaster.ts';
import type { ManagedSettings, ServerObservation } from './postgres-server.ts';
import { numberOf, textOf } from './row.ts';
import { isWhole, seeSentinel } from './sentinel.ts';
import type { ServerContext } from './server-context.ts';
import type { ServerProcess } from './server-process.ts';
import type { Sessions } from './sessions.ts';
import { createSilenceWatch } from './silence-watch.ts';
import { sqlStateOf, type SqlSession } from './sql-session.ts';
import { lineageAt } from './timeline-history.ts';

export interface ObserverParts {
  readonly context: ServerContext;
  readonly process: ServerProcess;
  readonly sessions: Sessions;
  readonly configuration: Configuration;
  readonly wal: LocalWal;
  readonly watch: Pick<ChangeWatch, 'follow'>;
}

const NOTHING: ServerObservation = {
  status: 'absent',
  systemIdentifier: null,
  serverVersion: null,
  role: null,
  position: null,
  history: [],
  markerTerm: null,
  upstream: null,
  followers: [],
  pid: null,
  synchronousStandbyNames: null,
  readOnly: null,
  isUnguarded: false,
  receiverRunning: false,
  replayLagBytes: 0,
  diskTimeline: null,
  detail: null,
};

/** A keeper at rest looks once a second; see {@link createSilenceWatch}. */
const LOOKS_APART_MS = 2_000;
/** The same where the disk hangs, which each look waits for. */
const SLOW_LOOKS_APART_MS = 5_000;
/** For how long a disk may take no WAL before the server is said to hang. */
const WAL_PATIENCE_MS = 2_000;

/** 57P03: the server starts, shuts down or is not consistent yet; it refuses before it asks who it is. */
const NOT_NOW = '57P03';

/** Looks at one server; see {@link PostgresServer.observe}. */
export function createObserver(parts: ObserverParts): (limit: TimeLimit) => Promise<ServerObservation> {
  const { context, process, sessions } = parts;
  const upstreamSilence = createSilenceWatch(context.options.now);
  const followerSilence = createSilenceWatch(context.options.now, LOOKS_APART_MS);
  const walStandstill = createSilenceWatch(context.options.now, SLOW_LOOKS_APART_MS);
  const probe = createFreshProbe(context);
  const readIdentity = createIdentityReader();
  const seeStopped = createStoppedView(parts);
  let markerTerm: number | null = null;

  const seeRunning = async (postmaster: Postmaster, countdown: Countdown): Promise<ServerObservation> => {
    const session = await sessions.held(limitOf(countdown));
    parts.watch.follow(postmaster.pid, session.backendPid);
    const identity = await readIdentity(session, limitOf(countdown));
    const [facts, marker] = await Promise.all([
      queryFacts(session, limitOf(countdown)),
      queryMarkerTerm(session, limitOf(countdown)),
    ]);
    if (marker !== undefined) markerTerm = marker;
    const { lineage, detail } = await lineageOf(parts.wal, facts, countdown);
    const hung = probe.complaint(postmaster) ?? walComplaint(facts, walStandstill);
    return {
      ...NOTHING,
      ...identity,
      status: hung === null ? 'running' : 'unresponsive',
      role: facts.inRecovery ? 'standby' : 'primary',
      position: lineage?.position ?? null,
      history: lineage?.history ?? [],
      markerTerm,
      upstream: upstreamOf(facts.receiver, upstreamSilence),
      followers: followersOf(facts.followers, followerSilence),
      pid: postmaster.pid,
      synchronousStandbyNames: namesInForce(facts),
      readOnly: facts.readOnly,
      isUnguarded: isUnguarded(facts, parts.configuration.desired()),
      receiverRunning: facts.receiverRunning,
      replayLagBytes:
        facts.receiveLsn === null || facts.replayLsn === null
          ? 0
          : lagBytes(facts.receiveLsn, facts.replayLsn),
      detail: hung ?? detail,
    };
  };

  return async (limit) => {
    const countdown = startCountdown(limit, context.options.now);
    let postmaster: Postmaster | undefined;
    // Most of the time is for the server: one whose disk hangs may still answer.
    const atTheDisk = { timeoutMs: limit.timeoutMs / 3 };
    try {
      const sentinel = await seeSentinel(context, atTheDisk);
      postmaster = await process.find(atTheDisk);
      if (sentinel !== undefined && (postmaster !== undefined || !isWhole(sentinel))) {
        // Nobody can have put any data into what initdb was making, so it counts as nothing.
        const status = sentinel.work === 'initialise' ? 'absent' : 'incomplete';
        return { ...NOTHING, status, pid: postmaster?.pid ?? null, detail: `unfinished: ${sentinel.work}` };
      }
      if (!postmaster) return await seeStopped(limitOf(countdown));
    } catch (error) {
      // The disk says nothing. A server may still run; whether it does, its pid tells even then.
      postmaster ??= await process.find({ timeoutMs: 1 }).catch(() => undefined);
      if (!postmaster) return { ...NOTHING, status: 'unresponsive', detail: explain(error) };
    }
    try {
      return await seeRunning(postmaster, countdown);
    } catch (error) {
      return { ...NOTHING, ...failedView(postmaster, error), pid: postmaster.pid, detail: explain(error) };
    }
  };
}

function failedView(postmaster: Postmaster, error: unknown): { readonly status: PostgresStatus } {
  if (sqlStateOf(error) === NOT_NOW) return { status: 'starting' };
  const begins = postmaster.status === 'starting' || postmaster.status === 'stopping';
  // No socket yet or any more; silence is another thing.
  const refused = toBatonError(error).code === 'BATON_UNREACHABLE';
  return { status: begins && refused ? 'starting' : 'unresponsive' };
}

/** The values that never change while a server runs; pg_control is read from disk by the server, so once only. */
function createIdentityReader() {
  const known = new WeakMap<SqlSession, { systemIdentifier: string; serverVersion: number }>();
  return async (session: SqlSession, limit: TimeLimit) => {
    const found = known.get(session);
    if (found) return found;
    const text = `SELECT system_identifier::text AS identifier, current_setting('server_version_num')::int AS version
      FROM pg_control_system()`;
    const [row] = await session.query(text, [], limit);
    const identity = { systemIdentifier: textOf(row, 'identifier'), serverVersion: numberOf(row, 'version') };
    known.set(session, identity);
    return identity;
  };
}

async function lineageOf(
  wal: LocalWal,
  facts: ServerFacts,
  countdown: Countdown,
): Promise<{ readonly lineage: Lineage | null; readonly detail: string | null }> {
  const { endLsn } = facts;
  if (endLsn === null) return { lineage: null, detail: facts.inRecovery ? 'replaying local WAL' : null };
  try {
    const timeline = facts.timeline ?? (await wal.newestTimeline(limitOf(countdown)));
    if (timeline === undefined) return { lineage: null, detail: 'no WAL in pg_wal' };
    const history = await wal.historyOf(timeline, limitOf(countdown));
    const lsn = facts.inRecovery ? await wal.endOfStandby(facts, timeline, limitOf(countdown)) : endLsn;
    return { lineage: lineageAt({ timeline, lsn: lsn ?? endLsn }, history), detail: null };
  } catch (error) {
    return { lineage: null, detail: explain(error) };
  }
}

function createStoppedView({
  context,
  wal,
}: ObserverParts): (limit: TimeLimit) => Promise<ServerObservation> {
  const { disk, files } = context;
  let last: { readonly stamp: string; readonly seen: ServerObservation } | undefined;

  const look = async (countdown: Countdown): Promise<ServerObservation> => {
    const control = await readControlData(context, limitOf(countdown));
    const clean = isCleanlyStopped(control);
    const lineage = clean ? await wal.stoppedLineage(control, limitOf(countdown)).catch(() => null) : null;
    return {
      ...NOTHING,
      status: clean ? 'stopped' : 'crashed',
      systemIdentifier: control.systemIdentifier,
      // A promotion writes its timeline there before its first checkpoint.
      diskTimeline: Math.max(control.checkpointTimeline, control.minimumRecoveryTimeline),
      position: lineage?.position ?? null,
      history: lineage?.history ?? [],
    };
  };

  return async (limit) => {
    const countdown = startCountdown(limit);
    const stamp = await disk.stamp(files.controlFile, limitOf(countdown));
    if (stamp === undefined && !(await disk.exists(files.versionFile, limitOf(countdown)))) return NOTHING;
    // As long as nobody touches pg_control, the programs that read it would say the same.
    if (last === undefined || last.stamp !== stamp)
      last = { stamp: stamp ?? '', seen: await look(countdown) };
    return last.seen;
  };
}

type SilenceWatch = ReturnType<typeof createSilenceWatch<string>>;

function upstreamOf(receiver: ReceiverFacts | null, watch: SilenceWatch): Upstream | null {
  const silences = watch(new Map(receiver === null ? [] : [['', receiver.lifeSign]]));
  if (receiver === null) return null;
  const term = parseStandbyTag(receiver.applicationName)?.term;
  const { host, port } = receiver;
  return term === undefined ? null : { term, host, port, silentMs: silences.get('') ?? 0 };
}

function followersOf(followers: readonly FollowerFacts[], watch: SilenceWatch): readonly Follower[] {
  const nameOf = ({ node, term }: FollowerFacts): string => `${node}@${term}`;
  const silences = watch(new Map(followers.map((each) => [nameOf(each), each.lifeSign])));
  return followers.map((each) => {
    const { lifeSign: _sign, ...follower } = each;
    return { ...follower, silentMs: silences.get(nameOf(each)) ?? 0 };
  });
}

/** A disk that takes no WAL: sessions answer from memory as if nothing were wrong, and no commit ends. */
function walComplaint({ walWaits, endLsn }: ServerFacts, watch: SilenceWatch): string | null {
  const silences = watch(new Map(walWaits && endLsn !== null ? [['', endLsn]] : []));
  return (silences.get('') ?? 0) >= WAL_PATIENCE_MS ? 'its disk takes no WAL, and no commit ends' : null;
}

/** A standby that has no voters to name holds the unsatisfiable name instead; to the keeper that is "none". */
function namesInForce(facts: ServerFacts): string {
  return facts.inRecovery && facts.synchronousStandbyNames === NOBODY ? '' : facts.synchronousStandbyNames;
}

function isUnguarded(facts: ServerFacts, desired: ManagedSettings | undefined): boolean {
  if (!facts.inRecovery || desired === undefined) return false;
  return facts.synchronousStandbyNames !== namesOfStandby(desired);
}

function explain(error: unknown): string {
  const { message, detail } = toBatonError(error);
  return detail === undefined ? message : `${message}: ${detail}`;
}
