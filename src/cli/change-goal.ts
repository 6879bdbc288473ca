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

/** A new reign has begun, its first commit is acknowledged, and every node that is heard of has found its place. */
export function newReign(termBefore: number, target?: NodeId): Goal {
  return (state, acceptedVersion) => {
    const { record } = state;
    if (state.version < acceptedVersion) return waiting('the monitor has yet to show the change');
    const { reign, intent } = record;
    if (intent !== null) return waiting(describeIntent(state));
    // Who is the primary already need not become it.
    const hasBaton = target !== undefined && reign?.holder === target;
    if (reign === null || (reign.term <= termBefore && !hasBaton)) {
      return undone(state, 'the change of primary was taken back');
    }
    if (!reign.confirmed) {
      return waiting(
        `${nameOf(record, reign.holder)} was elected and its first commit is not acknowledged yet`,
      );
    }
    return everyoneSettled(state);
  };
}

/** The node has reached maintenance, and everybody else has found their place. */
export function inMaintenance(node: NodeId): Goal {
  return (state, acceptedVersion) => {
    if (state.version < acceptedVersion) return waiting('the monitor has yet to show the change');
    if (!findNode(state.record, node)?.maintenance) {
      return undone(state, 'maintenance was taken back');
    }
    if (state.record.intent !== null) return waiting(describeIntent(state));
    return everyoneSettled(state);
  };
}

/** The group is at rest, the change included. */
export function atRest(state: GroupState, acceptedVersion: number): Progression {
  if (state.version < acceptedVersion) return waiting('the monitor has yet to show the change');
  if (state.record.intent !== null) return waiting(describeIntent(state));
  if (state.record.rules.length > 1)
    return waiting('the primary has yet to confirm the new replication quorum');
  return everyoneSettled(state);
}

/** The node is no longer in the group. */
export function nodeGone(node: NodeId): Goal {
  return (state, acceptedVersion) => {
    if (state.version < acceptedVersion) return waiting('the monitor has yet to show the change');
    const entry = findNode(state.record, node);
    if (entry === undefined) return { kind: 'done' };
    if (entry.dropping === 'no') {
      return undone(state, 'the drop was taken back');
    }
    return waiting(
      state.record.intent === null
        ? `"${entry.name}" is leaving the replication quorum`
        : describeIntent(state),
    );
  };
}

/** A node whose keeper is silent can't settle, and must not keep a command waiting: it comes back by itself. */
function everyoneSettled(state: GroupState): Progression {
  const missing = state.nodes
    .filter((node) => !isSilent(node) && node.reported_state !== node.assigned_state)
    .map((node) => `"${node.name}" is ${node.reported_state} and is to become ${node.assigned_state}`);
  return missing.length === 0 ? { kind: 'done' } : { kind: 'waiting', missing };
}

function describeIntent({ record }: GroupState): string {
  const { intent } = record;
  if (intent === null) return 'no change of primary is under way';
  const from = nameOf(record, intent.from);
  switch (intent.stage) {
    case 'drain':
      return `${from} is to shut down`;
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
