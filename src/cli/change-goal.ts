import type { NodeView } from '../api/schemas.ts';
import { findNode, nameOf, type NodeId } from '../core/group-record.ts';
import type { GroupState } from './group-state.ts';
import { isSilent } from './render-state.ts';

/** How far a change is that a command has asked for. */
export type Progression =
  | { readonly kind: 'done' }
  /** What is still missing, a sentence each. */
  | { readonly kind: 'waiting'; readonly missing: readonly string[] }
  | { readonly kind: 'undone'; readonly because: string };

/** Tells how far a change is. `acceptedVersion` is that of the record in which it was begun. */
export type Goal = (state: GroupState, acceptedVersion: number) => Progression;

/** The group before the change: what was whole then shall be whole again. */
export interface GroupBefore {
  readonly term: number;
  readonly nodes: readonly NodeView[];
}

/**
 * A new reign has begun, its first commit is acknowledged, and every node that
 * is heard of has found its place. `target`: the node that was asked for.
 */
export function newReign(before: GroupBefore, target?: NodeId): Goal {
  return (state, acceptedVersion) => {
    const { record } = state;
    const early = beforeRest(state, acceptedVersion);
    if (early !== undefined) return early;
    const { reign } = record;
    // Who is the primary already need not become it.
    const hasBaton = target !== undefined && reign?.holder === target;
    if (reign === null || (reign.term <= before.term && !hasBaton)) {
      return undone(state, 'the change of primary was taken back');
    }
    if (!reign.confirmed) {
      return waiting(
        `${nameOf(record, reign.holder)} was elected, and its first commit is not acknowledged yet`,
      );
    }
    return everyoneAtRest(state, wholeNodes(before));
  };
}

/** The node has reached maintenance, and everybody else has found their place. */
export function inMaintenance(before: GroupBefore, node: NodeId): Goal {
  return (state, acceptedVersion) => {
    const early = beforeRest(state, acceptedVersion);
    if (early !== undefined) return early;
    if (!findNode(state.record, node)?.maintenance) return undone(state, 'maintenance was taken back');
    const others = wholeNodes(before).filter((each) => each !== node);
    return everyoneAtRest(state, others);
  };
}

/** The node is back as a standby, and everybody else has found their place. */
export function outOfMaintenance(before: GroupBefore, node: NodeId): Goal {
  return (state, acceptedVersion) =>
    beforeRest(state, acceptedVersion) ?? everyoneAtRest(state, [...wholeNodes(before), node]);
}

/** The node is no longer in the group. */
export function nodeGone(node: NodeId): Goal {
  return (state, acceptedVersion) => {
    if (state.version < acceptedVersion) return waiting(NOT_SHOWN);
    const entry = findNode(state.record, node);
    if (entry === undefined) return { kind: 'done' };
    if (entry.dropping === 'no') return undone(state, 'the drop was taken back');
    return state.record.intent === null
      ? waiting(`"${entry.name}" is leaving the replication quorum`)
      : waiting(describeIntent(state));
  };
}

const NOT_SHOWN = 'the monitor has yet to show the change';

/** What keeps the whole group from being at rest; undefined: look at the nodes. */
function beforeRest(state: GroupState, acceptedVersion: number): Progression | undefined {
  if (state.version < acceptedVersion) return waiting(NOT_SHOWN);
  if (state.record.intent !== null) return waiting(describeIntent(state));
  return undefined;
}

/** States in which a node is on its way to be a standby that counts. */
const ON_THE_WAY: ReadonlySet<string> = new Set(['init', 'wait_standby', 'catchingup', 'join_secondary']);

/**
 * `whole`: the nodes that shall be a primary or a standby that counts, and not
 * only be on their way. One whose keeper is silent can't settle and must not
 * keep a command waiting: it comes back by itself.
 */
function everyoneAtRest({ record, nodes }: GroupState, whole: readonly NodeId[]): Progression {
  const missing = nodes
    .filter((node) => !isSilent(node))
    .flatMap((node) => {
      if (node.reported_state !== node.assigned_state) {
        return [`"${node.name}" is ${node.reported_state} and is to become ${node.assigned_state}`];
      }
      const isOnTheWay = whole.includes(node.node_id) && ON_THE_WAY.has(node.assigned_state);
      return isOnTheWay ? [`"${node.name}" is ${node.assigned_state} and is to become secondary`] : [];
    });
  if (record.rules.length > 1) missing.push('the primary has yet to confirm the new replication quorum');
  return missing.length === 0 ? { kind: 'done' } : { kind: 'waiting', missing };
}

/** Those that served as a primary or standby; one that was being copied may take hours more. */
function wholeNodes({ nodes }: GroupBefore): readonly NodeId[] {
  return nodes
    .filter((node) => !isSilent(node) && !ON_THE_WAY.has(node.assigned_state))
    .map((node) => node.node_id);
}

function describeIntent({ record }: GroupState): string {
  const { intent } = record;
  if (intent === null) return 'no change of primary is under way';
  switch (intent.stage) {
    case 'drain':
      return `${nameOf(record, intent.from)} is to shut down`;
    case 'elect':
      return `the members are to pledge term ${intent.term}`;
    case 'fetch':
      return `${nameOf(record, intent.fetch?.candidate ?? intent.from)} fetches the WAL that it lacks`;
  }
}

function undone({ lastDecision }: GroupState, otherwise: string): Progression {
  const because = lastDecision?.rule === 'undo_handover' ? lastDecision.because : otherwise;
  return { kind: 'undone', because };
}

function waiting(sentence: string): Progression {
  return { kind: 'waiting', missing: [sentence] };
}
