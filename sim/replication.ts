import { formatStandbyTag } from '../src/core/application-name.ts';
import type { NodeId } from '../src/core/group-record.ts';
import { sharesHistory, type WalRecord } from './wal.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';

/** A walsender and a walreceiver; each end may believe in the connection without the other. */
export interface Replication {
  readonly standby: NodeId;
  readonly upstream: NodeId;
  readonly term: number;
  readonly tag: string;
  /** How many records were sent, and how many the standby is known to have flushed. */
  sent: number;
  flushed: number;
  hasCaughtUp: boolean;
  isOpenAtStandby: boolean;
  isOpenAtUpstream: boolean;
  inFlight: readonly WalRecord[];
  heardAtStandbyMs: number;
  heardAtUpstreamMs: number;
}

const BATCH = 256;
/** wal_sender_timeout and wal_receiver_timeout, and half of it: the question whether the other end lives, ms. */
const TIMEOUT_MS = 3_000;
const KEEPALIVE_MS = 1_500;
const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_INTERVAL_MS = 100;

/** Asks for a walreceiver, as the startup process does when it runs out of WAL; until it streams or the settings change. */
export function requestReceiver(world: World, standby: VirtualPostgres, delayMs: number): void {
  const { settings } = standby;
  const wanted = settings?.upstream;
  if (wanted == null) return;
  standby.process.after(delayMs, () => {
    const isWanted = standby.settings === settings && standby.role === 'standby' && standby.receiver === null;
    if (!isWanted) return;
    const again = (afterMs: number): void => requestReceiver(world, standby, afterMs);
    // The startup process asks for more only when it has replayed all that there is.
    if (standby.replay.isHeld()) return again(RETRY_INTERVAL_MS);
    if (!world.network.canTalk(standby.node, wanted.node)) return again(CONNECT_TIMEOUT_MS);
    const handshakeMs = 4 * world.network.delayMs(standby.node, wanted.node);
    standby.process.after(handshakeMs, () => {
      if (standby.settings !== settings || standby.role !== 'standby' || standby.receiver !== null) return;
      const upstream = world.servers.get(wanted.node);
      if (upstream === undefined || !maySend(world, upstream, standby)) return again(RETRY_INTERVAL_MS);
      connect(world, upstream, standby, wanted.term);
    });
  });
}

/** What START_REPLICATION answers; and whether what PostgreSQL would let through is the same history at all. */
function maySend(world: World, upstream: VirtualPostgres, standby: VirtualPostgres): boolean {
  const [from, to] = [upstream.data, standby.data];
  if (upstream.status !== 'running' || upstream.process.pausedUntilMs > world.clock.nowMs) return false;
  if (from === null || to === null || !from.slots.has(standby.node)) return false;
  if (from.systemIdentifier !== to.systemIdentifier) return false;
  const end = to.wal.at(-1);
  const sourceEnd = from.wal[from.flushed - 1];
  if (end === undefined || sourceEnd === undefined) return false;
  if (sharesHistory(from.wal, to.wal)) return to.wal.length <= from.flushed;

  // From here on the histories differ: PostgreSQL compares numbers only.
  const { timeline } = end;
  const isSameNumber = timeline.id === sourceEnd.timeline.id;
  const left = sourceEnd.timeline.history.find((each) => each.timeline === timeline.id);
  const accepts = isSameNumber
    ? end.endBytes <= sourceEnd.endBytes
    : left !== undefined && endOfTimeline(from.wal, timeline.id) >= end.endBytes;
  if (accepts) {
    const text = `node ${standby.node} (timeline ${timeline.id}, ${end.lsn}) streams another history from node ${upstream.node}`;
    world.checkers.fail('I10 one history under a timeline number', text);
  }
  return false;
}

function endOfTimeline(wal: readonly WalRecord[], id: number): number {
  return wal.findLast((record) => record.timeline.id === id)?.endBytes ?? 0;
}

function connect(world: World, upstream: VirtualPostgres, standby: VirtualPostgres, term: number): void {
  const length = standby.data?.wal.length ?? 0;
  const connection: Replication = {
    standby: standby.node,
    upstream: upstream.node,
    term,
    tag: formatStandbyTag({ node: standby.node, term }),
    sent: length,
    flushed: 0,
    hasCaughtUp: false,
    isOpenAtStandby: true,
    isOpenAtUpstream: true,
    inFlight: [],
    heardAtStandbyMs: standby.process.timeMs(),
    heardAtUpstreamMs: upstream.process.timeMs(),
  };
  standby.receiver = connection;
  standby.receivedTerm = term;
  if (standby.data !== null) standby.data.partialBytes = 0;
  upstream.senders.add(connection);
  world.trace(`n${standby.node}`, () => `receives from n${upstream.node} for term ${term}`);
  reply(world, upstream, standby, connection);
  send(world, upstream, connection);
  watch(world, upstream, standby, connection);
}

/** Sends what is durable here and has not been sent. */
export function send(world: World, upstream: VirtualPostgres, connection: Replication): void {
  const { data } = upstream;
  const standby = world.servers.get(connection.standby);
  if (
    data === null ||
    standby === undefined ||
    !connection.isOpenAtUpstream ||
    connection.inFlight.length > 0
  )
    return;
  if (data.flushed <= connection.sent) {
    connection.hasCaughtUp = true;
    if (data.partialBytes > 0) sendPartialRecord(world, upstream, standby, connection);
    return;
  }
  const batch = data.wal.slice(connection.sent, Math.min(data.flushed, connection.sent + BATCH));
  connection.inFlight = batch;
  const isOver = (): boolean => !connection.isOpenAtUpstream;
  world.network.stream(upstream.node, standby.node, isOver, () => {
    standby.process.now(() => receive(world, standby, connection, batch));
    connection.inFlight = [];
    connection.sent += batch.length;
    upstream.process.now(() => send(world, upstream, connection));
  });
}

function receive(
  world: World,
  standby: VirtualPostgres,
  connection: Replication,
  batch: readonly WalRecord[],
): void {
  const { data } = standby;
  const first = batch[0];
  if (!connection.isOpenAtStandby || data === null || first === undefined) return;
  // A cut connection can lose a batch that was under way; what follows does not fit then.
  if (first.index !== data.wal.length) return endAtStandby(world, standby, connection);
  connection.heardAtStandbyMs = standby.process.timeMs();
  if (standby.isWalFull) return standby.kill(true);
  for (const record of batch) data.wal.push(record);
  data.partialBytes = 0;
  const length = data.wal.length;
  standby.afterWriting(standby.random.between(0.1, 1.5), () => {
    if (standby.data !== data || data.wal.length < length) return;
    standby.flush(length);
    const upstream = world.servers.get(connection.upstream);
    if (upstream !== undefined && connection.isOpenAtStandby) reply(world, upstream, standby, connection);
  });
}

/** The standby tells what it has flushed. */
function reply(
  world: World,
  upstream: VirtualPostgres,
  standby: VirtualPostgres,
  connection: Replication,
): void {
  const flushed = standby.data?.flushed ?? 0;
  const isOver = (): boolean => !connection.isOpenAtUpstream;
  world.network.stream(standby.node, upstream.node, isOver, () =>
    upstream.process.now(() => {
      if (!connection.isOpenAtUpstream) return;
      connection.heardAtUpstreamMs = upstream.process.timeMs();
      connection.flushed = Math.max(connection.flushed, flushed);
      upstream.releaseWaiters();
    }),
  );
}

/**
 * Keepalives: as long as both ends live and hear each other, one event for all
 * of them. Each end that has heard nothing for too long closes its side.
 */
function watch(world: World, upstream: VirtualPostgres, standby: VirtualPostgres, link: Replication): void {
  world.clock.after(KEEPALIVE_MS, () => {
    if (!link.isOpenAtStandby && !link.isOpenAtUpstream) return;
    const { nowMs } = world.clock;
    const isUpstreamUp = link.isOpenAtUpstream && upstream.process.pausedUntilMs <= nowMs;
    const isStandbyUp = link.isOpenAtStandby && standby.process.pausedUntilMs <= nowMs;
    const { network } = world;
    const isHeardAtStandby = isUpstreamUp && isStandbyUp && network.isOpen(upstream.node, standby.node);
    if (isHeardAtStandby) link.heardAtStandbyMs = standby.process.timeMs();
    if (isHeardAtStandby && network.isOpen(standby.node, upstream.node)) {
      link.heardAtUpstreamMs = upstream.process.timeMs();
      // The answer tells again what is flushed.
      if (link.flushed < (standby.data?.flushed ?? 0)) reply(world, upstream, standby, link);
    }
    if (isStandbyUp && standby.process.timeMs() - link.heardAtStandbyMs > TIMEOUT_MS)
      endAtStandby(world, standby, link);
    if (isUpstreamUp && upstream.process.timeMs() - link.heardAtUpstreamMs > TIMEOUT_MS)
      endAtUpstream(world, upstream, link, true);
    watch(world, upstream, standby, link);
  });
}

/** The walreceiver is gone; the upstream is told if it can be reached, unless `tells` says otherwise. */
export function endAtStandby(
  world: World,
  standby: VirtualPostgres,
  connection: Replication,
  tells = true,
): void {
  if (!connection.isOpenAtStandby) return;
  connection.isOpenAtStandby = false;
  leavePartialRecord(standby, connection);
  if (standby.receiver === connection) standby.receiver = null;
  const upstream = world.servers.get(connection.upstream);
  if (upstream !== undefined && tells) {
    const isOver = (): boolean => !connection.isOpenAtUpstream;
    world.network.stream(standby.node, upstream.node, isOver, () =>
      upstream.process.now(() => endAtUpstream(world, upstream, connection, false)),
    );
  }
  // Also one that is not consistent yet: its startup process asks again and again for what it lacks.
  if (standby.status === 'running' || standby.status === 'starting')
    requestReceiver(world, standby, standby.random.between(1, RETRY_INTERVAL_MS));
}

/** The walsender is gone. `tells`: its end of the connection was closed, and not just lost with its machine. */
export function endAtUpstream(
  world: World,
  upstream: VirtualPostgres,
  connection: Replication,
  tells: boolean,
): void {
  if (!connection.isOpenAtUpstream) return;
  connection.isOpenAtUpstream = false;
  upstream.senders.delete(connection);
  const standby = world.servers.get(connection.standby);
  if (!tells || standby === undefined) return;
  const isOver = (): boolean => !connection.isOpenAtStandby;
  world.network.stream(upstream.node, standby.node, isOver, () =>
    standby.process.now(() => endAtStandby(world, standby, connection)),
  );
}

/** One end is gone without a word, and its machine answers for it no more; the other waits for its time-out. */
export function forgetConnection(world: World, link: Replication, end: 'standby' | 'upstream'): void {
  const [standby, upstream] = [world.servers.get(link.standby), world.servers.get(link.upstream)];
  if (standby === undefined || upstream === undefined) return;
  if (end === 'upstream') return endAtUpstream(world, upstream, link, false);
  if (link.isOpenAtStandby) endAtStandby(world, standby, link, false);
}

/** A standby passes on all the bytes that it has received. */
function sendPartialRecord(
  world: World,
  upstream: VirtualPostgres,
  standby: VirtualPostgres,
  connection: Replication,
): void {
  const bytes = upstream.data?.partialBytes ?? 0;
  const isOver = (): boolean => !connection.isOpenAtUpstream;
  world.network.stream(upstream.node, standby.node, isOver, () =>
    standby.process.now(() => {
      const { data } = standby;
      if (!connection.isOpenAtStandby || data === null || data.wal.length !== connection.sent) return;
      data.partialBytes = bytes;
    }),
  );
}

/** WAL is sent in pages and not in records: what was flushed last need not be whole. */
function leavePartialRecord(standby: VirtualPostgres, connection: Replication): void {
  const { data } = standby;
  const next = connection.inFlight[0];
  const last = data?.wal.at(-1);
  if (data === null || next === undefined || last === undefined || next.index !== data.wal.length) return;
  if (standby.random.chance(0.3))
    data.partialBytes = standby.random.int(1, next.endBytes - last.endBytes - 1);
}
