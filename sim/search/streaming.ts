import type { NodeId } from '../../src/core/group-record.ts';
import { NODES } from './permutations.ts';
import { parseNames } from './renaming.ts';
import { canTalk, keeperOf, serverOf, setKeeper, setServer, type State } from './state.ts';
import { hasVoters, sendersOf } from './views.ts';
import { breakRule } from './violation.ts';
import { append, contains, onOneLine, describeWal, type Wal } from './wal-tree.ts';

/** The receiver of a standby ends. Its upstream hears of it unless they are cut off from each other. */
export function closeReceiver(state: State, node: NodeId, isTold = true): void {
  const { receiver, wal } = serverOf(state, node);
  if (receiver === null) return;
  setServer(state, node, { receiver: null });
  if (receiver.isHalf || (isTold && canTalk(state, node, receiver.node))) return;
  const { ghosts } = serverOf(state, receiver.node);
  const ghost = { node, term: receiver.term, flushed: wal };
  setServer(state, receiver.node, {
    ghosts: [...ghosts.filter((each) => each.node !== node), ghost].sort((a, b) => a.node - b.node),
  });
}

/** All walsenders of a server are gone, and each standby hears of it unless it is cut off. */
function closeSenders(state: State, node: NodeId, isTold: boolean): void {
  for (const standby of NODES) {
    const { receiver } = serverOf(state, standby);
    if (receiver?.node !== node) continue;
    const isNoticed = isTold && canTalk(state, standby, node);
    setServer(state, standby, { receiver: isNoticed ? null : { ...receiver, isHalf: true } });
  }
}

/** The server's processes end. `isTold`: its sockets close; else the machine is gone and nobody hears of it. */
export function goDown(state: State, node: NodeId, isClean: boolean, isTold = true): void {
  if (serverOf(state, node).up === 'down') return;
  closeReceiver(state, node, isTold);
  closeSenders(state, node, isTold);
  setServer(state, node, { up: 'down', isClean, ghosts: [] });
  setKeeper(state, node, { markerUnderWay: null });
}

/** A fast shutdown: a primary waits until its standbys have the shutdown record. */
export function stopFast(state: State, node: NodeId): void {
  const { up, wal } = serverOf(state, node);
  if (up === 'primary') {
    const end = append(wal, 'shutdown', 0);
    setServer(state, node, { wal: end });
    for (const standby of NODES) {
      const { receiver } = serverOf(state, standby);
      if (receiver?.node === node && !receiver.isHalf && canTalk(state, standby, node))
        setServer(state, standby, { wal: end });
    }
  }
  goDown(state, node, up !== 'starting');
}

/** Whether PostgreSQL would let a standby begin to receive. */
function maySend(state: State, from: NodeId, to: NodeId): boolean {
  const [source, standby] = [serverOf(state, from), serverOf(state, to)];
  if (source.up !== 'primary' && source.up !== 'standby') return false;
  if (contains(source.wal, standby.wal)) return true;
  if (contains(standby.wal, source.wal)) return false;
  // PostgreSQL compares numbers only.
  const left = source.wal.lineage.history.find((each) => each.timeline === standby.wal.timeline);
  const isSameNumber = source.wal.timeline === standby.wal.timeline;
  const endOfIt = left === undefined ? 0 : Number.parseInt(left.end.slice(2), 16);
  if (isSameNumber ? standby.wal.depth <= source.wal.depth : standby.wal.depth <= endOfIt)
    breakRule(
      'I10 one history under a timeline number',
      `n${to} (${describeWal(standby.wal)}) would stream another history from n${from} (${describeWal(source.wal)})`,
    );
  return false;
}

function connect(state: State): void {
  for (const node of NODES) {
    const { up, settings, receiver } = serverOf(state, node);
    const { upstream } = settings;
    if ((up !== 'standby' && up !== 'starting') || receiver !== null || upstream === null) continue;
    if (!canTalk(state, node, upstream.node) || !maySend(state, upstream.node, node)) continue;
    setServer(state, node, { receiver: { node: upstream.node, term: upstream.term, isHalf: false } });
    const { ghosts } = serverOf(state, upstream.node);
    if (ghosts.some((ghost) => ghost.node === node))
      setServer(state, upstream.node, { ghosts: ghosts.filter((ghost) => ghost.node !== node) });
  }
}

/** How far the voters named on a primary have flushed; null: fewer than k of them are there. */
function acknowledgedOn(state: State, node: NodeId): Wal | null {
  const { wal, settings } = serverOf(state, node);
  const names = parseNames(settings.synchronousStandbyNames);
  if (names === null) return wal;
  const flushed = sendersOf(state, node)
    .filter((each) => each.term === names.term && names.voters.includes(each.node))
    .map((each) => each.flushed)
    .sort((a, b) => b.depth - a.depth);
  return flushed[names.k - 1] ?? null;
}

/** Whatever enough voters have flushed is acknowledged at once: no later moment would acknowledge more. */
function acknowledge(state: State): void {
  for (const node of NODES) {
    if (serverOf(state, node).up !== 'primary') continue;
    const safe = acknowledgedOn(state, node);
    if (safe === null) continue;
    const { frontier } = state;
    if (!onOneLine(frontier, safe))
      breakRule(
        'I2 two terms never both acknowledge',
        `n${node} acknowledges ${describeWal(safe)}, while ${describeWal(frontier)} is acknowledged`,
      );
    if (safe.depth > frontier.depth) state.frontier = safe;
    const { markerUnderWay } = keeperOf(state, node);
    if (markerUnderWay !== null && contains(safe, markerUnderWay))
      setKeeper(state, node, { markerUnderWay: null, markerAcknowledged: markerUnderWay.value });
  }
}

/** What happens by itself and at once after every event. */
export function settleStreams(state: State): void {
  connect(state);
  acknowledge(state);
  for (const node of NODES) {
    const { isQuorumSilent } = keeperOf(state, node);
    if (isQuorumSilent && (serverOf(state, node).up !== 'primary' || hasVoters(state, node)))
      setKeeper(state, node, { isQuorumSilent: false });
  }
}

/** Whether more WAL can come in at a standby now. */
export function canReceive(state: State, node: NodeId): boolean {
  const { receiver, wal } = serverOf(state, node);
  return (
    receiver !== null &&
    !receiver.isHalf &&
    canTalk(state, node, receiver.node) &&
    serverOf(state, receiver.node).wal !== wal
  );
}

/** The next record comes in and is flushed. */
export function receive(state: State, node: NodeId): void {
  const { receiver, wal, up, needed } = serverOf(state, node);
  let next = serverOf(state, receiver!.node).wal;
  if (!contains(next, wal)) {
    breakRule('I9 a standby receives its own history only', `n${node} has ${describeWal(wal)}`);
    return;
  }
  while (next.parent !== wal) next = next.parent!;
  const isComplete = needed === null || contains(next, needed);
  setServer(state, node, {
    wal: next,
    needed: isComplete ? null : needed,
    up: up === 'starting' && isComplete ? 'standby' : up,
  });
}
