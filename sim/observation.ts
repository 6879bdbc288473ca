import type { Follower } from '../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import type { Lineage } from '../src/core/lineage.ts';
import { lsnFromBytes } from '../src/core/lsn.ts';
import { UNSATISFIABLE_NAMES } from '../src/core/server-settings.ts';
import type { ServerObservation } from '../src/postgres/postgres-server.ts';
import { createSilenceWatch } from '../src/postgres/silence-watch.ts';
import type { DataDirectory, VirtualPostgres } from './virtual-postgres.ts';
import type { WalRecord } from './wal.ts';
import type { World } from './world.ts';

const NOTHING: Omit<ServerObservation, 'status'> = {
  systemIdentifier: null,
  serverVersion: 150_018,
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

/** The durable end of WAL as PostgreSQL tells it: a record that came in half counts while its receiver is remembered. */
export function endOfWal(data: DataDirectory): Lineage {
  const last = data.wal[data.flushed - 1];
  if (last === undefined) throw new Error('a data directory without WAL');
  const lineage = last.lineage;
  if (data.partialBytes === 0 || data.flushed < data.wal.length) return lineage;
  const lsn = lsnFromBytes(BigInt(last.endBytes + data.partialBytes));
  return { position: { timeline: lineage.position.timeline, lsn }, history: lineage.history };
}

/**
 * The WAL that a node has of the group's database. Another database may have
 * taken its place since the last report: that is a lost disk (I11), and says
 * nothing of the history that was reported.
 */
export function walOfGroup(
  world: World,
  { systemIdentifier }: GroupRecord,
  node: NodeId,
): readonly WalRecord[] | undefined {
  const data = world.servers.get(node)?.data;
  return data?.systemIdentifier === systemIdentifier ? data?.wal : undefined;
}

/** As in src/postgres/observe.ts. */
const LOOKS_APART_MS = 2_000;
const NO_SIGNS: ReadonlyMap<string, number> = new Map();

/** The looks of one life of a keeper, which can only tell that nothing has come between two of them. */
export function createObserver(
  world: World,
  server: VirtualPostgres,
  now: () => number,
): () => ServerObservation {
  const silence = createSilenceWatch<number>(now, LOOKS_APART_MS);
  return () => {
    const isListed = server.data !== null && server.statusSeen() === 'running' && server.senders.size > 0;
    return observe(world, server, silence(isListed ? signsOf(server) : NO_SIGNS));
  };
}

/** When each walsender last heard its standby, in the whole milliseconds that PostgreSQL tells. */
function signsOf({ senders }: VirtualPostgres): ReadonlyMap<string, number> {
  const signs = new Map<string, number>();
  for (const { tag, heardAtUpstreamMs } of senders) signs.set(tag, Math.round(heardAtUpstreamMs));
  return signs;
}

/** What `observe` of src/postgres sees, were it looking all the time. */
function observe(
  world: World,
  server: VirtualPostgres,
  silences: ReadonlyMap<string, number>,
): ServerObservation {
  const { data } = server;
  const status = server.statusSeen();
  if (data === null || status === 'starting' || status === 'unresponsive' || status === 'incomplete')
    return { ...NOTHING, status };
  const { systemIdentifier } = data;
  if (status !== 'running') {
    const diskTimeline = data.wal.at(-1)?.timeline.id ?? null;
    return {
      ...NOTHING,
      status,
      systemIdentifier,
      diskTimeline,
      ...(status === 'stopped' ? endOfWal(data) : {}),
    };
  }
  const isKnown = server.role === 'primary' || world.clock.nowMs >= server.endKnownAtMs;
  const names = server.names?.text ?? '';
  const end = isKnown ? endOfWal(data) : undefined;
  return {
    status,
    systemIdentifier,
    serverVersion: NOTHING.serverVersion,
    role: server.role,
    position: end?.position ?? null,
    history: end?.history ?? [],
    upstream: upstreamOf(server),
    markerTerm: markerTermOf(server),
    followers: followersOf(server, data, silences),
    pid: null,
    synchronousStandbyNames: server.role === 'standby' && names === UNSATISFIABLE_NAMES ? '' : names,
    readOnly: server.effective?.readOnly ?? null,
    isUnguarded: false,
    receiverRunning: server.receiver !== null,
    replayLagBytes: server.replay.isHeld() ? replayLagBytes(server, data) : 0,
    diskTimeline: null,
    detail: null,
  };
}

/** The newest marker that a session on this server can read. */
function markerTermOf(server: VirtualPostgres): number | null {
  if (server.role === 'primary') return server.visible?.markerTerm ?? null;
  const { data, replay } = server;
  return data?.wal[replay.replayed(data.flushed) - 1]?.markerTerm ?? null;
}

/** Received and not replayed yet. */
function replayLagBytes({ replay }: VirtualPostgres, data: DataDirectory): number {
  const [end, replayed] = [data.wal[data.flushed - 1], data.wal[replay.replayed(data.flushed) - 1]];
  return (end?.endBytes ?? 0) - (replayed?.endBytes ?? 0);
}

function upstreamOf(server: VirtualPostgres): ServerObservation['upstream'] {
  const { receiver } = server;
  if (receiver === null) return null;
  const { term, upstream, heardAtStandbyMs } = receiver;
  return { term, host: `n${upstream}`, port: 5432, silentMs: server.process.timeMs() - heardAtStandbyMs };
}

const NOBODY: readonly Follower[] = [];

function followersOf(
  server: VirtualPostgres,
  data: DataDirectory,
  silences: ReadonlyMap<string, number>,
): readonly Follower[] {
  if (server.senders.size === 0) return NOBODY;
  const followers: Follower[] = [];
  for (const { standby, term, tag, hasCaughtUp, flushed } of server.senders) {
    followers.push({
      node: standby,
      term,
      state: hasCaughtUp ? 'streaming' : 'catchup',
      flushLsn: data.wal[flushed - 1]?.lsn ?? null,
      replayLsn: null,
      syncPriority: server.names?.tags.has(tag) === true ? 1 : 0,
      silentMs: silences.get(tag) ?? 0,
    });
  }
  return followers;
}
