import { accepted, busy, refused, type Accepted, type Answer, type Refused } from './answer.ts';
import { reportOf, type Evidence } from './evidence.ts';
import { nameOf, type GroupRecord, type NodeEntry } from './group-record.ts';
import { needsLease } from './lease.ts';
import { liveReport } from './live-report.ts';
import { movedHome, standingOf, stampOf } from './record-home.ts';

/**
 * How a group's record moves into another home, for example from a monitor
 * into etcd. One compare-and-swap in the old home turns its record into a
 * tombstone: before it the old home is the truth, and after it the new one.
 * The tombstone holds all that the new home begins with, so that whoever has
 * read it can put the record there: see {@link arrive}.
 */

export interface MoveRequest {
  /** The URI of the new home. */
  readonly to: string;
  /** Random, for the record's new home. */
  readonly incarnation: string;
  /** As in the record's `move`. */
  readonly proof: string | null;
  readonly requestedBy: string;
}

/** Names the new home to the keepers: each of them tries it and says in its reports whether it can use it. */
export function announceMove(record: GroupRecord, evidence: Evidence, request: MoveRequest): Answer {
  const { to, incarnation, proof, requestedBy } = request;
  const { move } = record;
  if (move?.stage === 'announced' && move.to === to)
    return { ...accepted(record, `the move to ${to} goes on`), plan: planOf(record, to) };
  const obstacle = obstacleOf(record, evidence);
  if (obstacle !== undefined) return obstacle;
  const because = `${requestedBy} asked for a move to ${to}`;
  const next: GroupRecord = { ...record, move: { stage: 'announced', to, incarnation, proof, because } };
  return { ...accepted(next, because), plan: planOf(record, to) };
}

/** The step by which the truth changes. Refused until every keeper has said that it can use the new home. */
export function finishMove(record: GroupRecord, evidence: Evidence, to: string): Answer {
  const { move } = record;
  const obstacle = obstacleOf(record, evidence);
  if (obstacle !== undefined) return obstacle;
  if (move?.to !== to)
    return refused('BATON_REFUSED', `no move to ${to} is under way`, 'It was undone. Begin it again.');
  const [first] = readinessOf(record, evidence).filter(({ missing }) => missing !== null);
  if (first !== undefined)
    return refused(
      'BATON_GROUP_BUSY',
      `"${first.name}" can't go along: ${first.missing}`,
      'Every node has to be able to use the new home before the group moves.',
    );
  const next: GroupRecord = {
    ...record,
    move: { ...move, stage: 'moved' },
    nodes: record.nodes.map((node) => atHome(node, keeperPortOf(evidence, node))),
  };
  return accepted(next, describeMoved(next));
}

/** Forgets a move that is announced and not done. */
export function undoMove(record: GroupRecord): Answer {
  const { move } = record;
  if (move === undefined) return accepted(record, 'no move is under way');
  if (hasMoved(record)) return gone(record);
  return accepted(withoutMove(record), `the move to ${move.to} is undone`);
}

/** How far a node is; `missing` says what keeps it from the new home, null: nothing. */
export interface NodeReadiness {
  readonly name: string;
  readonly missing: string | null;
  /** It has tried, and will not succeed by waiting. */
  readonly hasFailed: boolean;
}

/** What each node has said of the home that is announced. */
export function readinessOf(record: GroupRecord, evidence: Evidence): readonly NodeReadiness[] {
  return record.nodes.map(({ id, name }) => {
    const readiness = liveReport(record, evidence, id)?.readiness;
    if (readiness?.incarnation !== record.move?.incarnation)
      return { name, missing: 'its keeper has not tried it yet', hasFailed: false };
    return { name, missing: readiness?.problem ?? null, hasFailed: readiness?.problem != null };
  });
}

/**
 * What becomes of a record that arrives in a home with that of the group which
 * is there. With a record that is only announced it tells whether there is room.
 */
export function arrive(
  present: { readonly record: GroupRecord; readonly version: number } | null,
  arriving: GroupRecord,
): Answer {
  const { move } = arriving;
  if (move === undefined)
    return refused('BATON_REFUSED', 'this record is not on its way', 'Begin with "pgbaton store move".');
  const next = withoutMove({ ...arriving, home: movedHome(arriving.home, move.incarnation) });
  const arrived = accepted(next, `the group has arrived at ${move.to}: ${move.because}`);
  if (present === null || present.record.nodes.length === 0) return arrived;
  const { incarnations } = present.record.home;
  // Somebody else was faster.
  if (incarnations.includes(move.incarnation)) return accepted(present.record, arrived.because);
  const isFormer = standingOf(stampOf(present.record, present.version), next, 0) === 'known';
  if (isFormer && present.record.move?.stage === 'moved') return arrived;
  return isFormer
    ? refused('BATON_REFUSED', `${move.to} is the home that the group has now`, 'There is nothing to move.')
    : refused(
        'BATON_REFUSED',
        `${move.to} has another group of formation "${arriving.formation}"`,
        'Take another home, or drop the nodes of that group there first.',
      );
}

/** Whether a record is the last of a home that its group has left. */
export function hasMoved({ move }: GroupRecord): boolean {
  return move?.stage === 'moved';
}

/** What people are told who ask a home that the group has left. */
export function describeMoved({ move }: GroupRecord): string {
  return `the group has moved to ${move?.to ?? 'another home'}`;
}

/** The refusal of everything that is asked of a home that the group has left. */
export function gone(record: GroupRecord): Refused {
  return refused('BATON_REFUSED', describeMoved(record), 'Ask there.');
}

/** Why the group can't move now, wherever to. */
function obstacleOf(record: GroupRecord, evidence: Evidence): Refused | undefined {
  const { reign } = record;
  if (hasMoved(record)) return gone(record);
  if (record.intent !== null) return busy(record);
  if (reign?.confirmed !== true)
    return refused('BATON_REFUSED', 'the group has no primary that serves clients', 'Wait until it has one.');
  // A lease is kept by one store: two could each have given one, and neither knows of the other's.
  if (needsLease(record))
    return refused(
      'BATON_REFUSED',
      'its primary needs a lease of the home that it is in',
      'Set "durability quorum" and "reads fast" for the formation, move, and set them back.',
    );
  const resting = record.nodes.find(({ maintenance }) => maintenance);
  if (resting !== undefined)
    return refused(
      'BATON_REFUSED',
      `"${resting.name}" is in maintenance`,
      'End it with "pgbaton disable maintenance": every node has to try the new home.',
    );
  const leaving = record.nodes.find(({ dropping }) => dropping !== 'no');
  if (leaving !== undefined)
    return refused('BATON_REFUSED', `"${leaving.name}" is being dropped`, 'Wait until it is gone.');
  const silent = record.nodes.find(({ id }) => liveReport(record, evidence, id) === undefined);
  if (silent !== undefined)
    return refused(
      'BATON_REFUSED',
      `${nameOf(record, silent.id)} is not heard of`,
      'Start its keeper: every node has to try the new home. One that is gone for good is dropped first.',
    );
  return undefined;
}

function keeperPortOf(evidence: Evidence, { id }: NodeEntry): number | null {
  return reportOf(evidence, id)?.report.readiness?.keeperPort ?? null;
}

/** Keepers listen where they decide themselves, and nowhere else. */
function atHome({ keeperPort: _before, ...node }: NodeEntry, keeperPort: number | null): NodeEntry {
  return keeperPort === null ? node : { ...node, keeperPort };
}

function withoutMove({ move: _done, ...record }: GroupRecord): GroupRecord {
  return record;
}

function planOf(record: GroupRecord, to: string): Accepted['plan'] {
  const names = record.nodes.map(({ name }) => `"${name}"`).join(', ');
  return [
    `${names} try whether they can read and write ${to}; until all can, nothing changes`,
    'the record here is closed in one step and names the new home; nothing is decided here after that',
    `the first keeper that has read it puts the record into ${to}, and all of them follow`,
    'no server is stopped or promoted; writes go on all the while',
  ];
}
