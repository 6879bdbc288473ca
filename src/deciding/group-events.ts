import type { EventQuery } from '../api/monitor-service.ts';
import { EventBody } from '../api/schemas.ts';
import type { Evidence } from '../core/evidence.ts';
import { findNode, nameOf, type GroupRecord, type NodeEntry, type NodeId } from '../core/group-record.ts';
import type { Milestone } from '../core/reign-timeline.ts';
import { assignedState, reportedState, type StateName } from '../core/state-names.ts';
import type { Note, Store, StoredNote } from '../store/store.ts';
import type { EvidenceBook } from './evidence-book.ts';

/** An event that has not been stored yet: without the id, and the version for one that comes with a swap. */
export type NewEvent = Omit<EventBody, 'id' | 'at' | 'record_version'> & { readonly record_version?: number };

/** The topic under which a group's events are stored. */
export function topicOf(formation: string, group?: number): string {
  return group === undefined ? formation : `${formation}/${group}`;
}

/** `version`: that of the swap which the event comes with. */
export function toNote(event: NewEvent, version: number, atMs: number): Note {
  const { record, record_read, follows, ...plain } = event;
  const text = JSON.stringify({ record_version: version, ...plain });
  const note = { topic: topicOf(event.formation, event.group), atMs, text };
  return record === undefined ? note : { ...note, details: JSON.stringify({ record, record_read, follows }) };
}

/** Undoes {@link toNote}. Throws when the note is no event: that would be a fault of ours. */
export function toEvent(note: StoredNote): EventBody {
  const fields = JSON.parse(note.text) as object;
  const details = note.details === undefined ? {} : (JSON.parse(note.details) as object);
  return EventBody.parse({ id: note.id, at: new Date(note.atMs).toISOString(), ...fields, ...details });
}

const CALL = { timeoutMs: 5_000 };

/** The history that a store has. Throws what the store throws. */
export async function readEvents(
  store: Pick<Store, 'readNotes'>,
  { formation, group, count, ...range }: EventQuery,
): Promise<readonly EventBody[]> {
  const topic = formation === undefined ? undefined : topicOf(formation, group);
  return (await store.readNotes({ topic, limit: count, ...range }, CALL)).map(toEvent);
}

export function decisionEvent(
  next: GroupRecord,
  decision: { readonly rule: string; readonly because: string },
  inputs: Evidence,
  milestones: readonly Milestone[] = [],
): NewEvent {
  return {
    formation: next.formation,
    group: next.group,
    kind: 'decision',
    rule: decision.rule,
    because: decision.because,
    term: next.term,
    inputs,
    ...(milestones.length === 0 ? {} : { timeline: toTimeline(next, milestones) }),
    ...aboutNode(next, next.intent?.target ?? next.reign?.holder),
  };
}

function toTimeline(record: GroupRecord, milestones: readonly Milestone[]): NewEvent['timeline'] {
  return milestones.map(({ step, node, afterMs }) => ({
    step,
    node: findNode(record, node)?.name ?? `node ${node}`,
    after_ms: Math.round(afterMs),
  }));
}

export function plainEvent(
  kind: 'operator' | 'monitor',
  record: GroupRecord,
  because: string,
  node?: NodeEntry,
): NewEvent {
  return {
    formation: record.formation,
    group: record.group,
    kind,
    because,
    term: record.term,
    ...(node === undefined ? {} : aboutEntry(node)),
  };
}

interface States {
  readonly reported: StateName;
  readonly assigned: StateName;
}

/** The state names of every node as they were last told. */
export type KnownStates = ReadonlyMap<NodeId, States>;

export function statesOf(record: GroupRecord, reports: Pick<EvidenceBook, 'reportOf'>): KnownStates {
  return new Map(
    record.nodes.map(({ id }) => [
      id,
      { reported: reportedState(record, reports.reportOf(id)), assigned: assignedState(record, id) },
    ]),
  );
}

/**
 * One event for every node whose names differ from those known before. Not for
 * a node of `unseen` that turns out to be where it should be: a monitor that
 * was restarted has only found out again.
 */
export function stateEvents(
  record: GroupRecord,
  before: KnownStates,
  now: KnownStates,
  unseen: ReadonlySet<NodeId>,
): readonly NewEvent[] {
  return [...now].flatMap(([id, states]) => {
    const known = before.get(id);
    const node = findNode(record, id);
    if (node === undefined) return [];
    if (known?.reported === states.reported && known.assigned === states.assigned) return [];
    if (unseen.has(id) && known?.reported === 'unknown' && states.reported === states.assigned) return [];
    return [
      {
        formation: record.formation,
        group: record.group,
        kind: 'state' as const,
        because: describeStates(nameOf(record, id), known, states),
        term: record.term,
        reported_state: states.reported,
        assigned_state: states.assigned,
        ...aboutEntry(node),
      },
    ];
  });
}

function describeStates(name: string, before: States | undefined, now: States): string {
  if (now.reported === now.assigned) return `${name} has reached ${now.reported}`;
  return before !== undefined && before.assigned !== now.assigned
    ? `${name} is ${now.reported} and is to become ${now.assigned}`
    : `${name} is ${now.reported}, assigned ${now.assigned}`;
}

function aboutNode(record: GroupRecord, id: NodeId | undefined) {
  const node = id === undefined ? undefined : findNode(record, id);
  return node === undefined ? {} : aboutEntry(node);
}

function aboutEntry(node: NodeEntry) {
  return { node: node.name, node_id: node.id, host: node.host, port: node.port };
}
