import type { WatchEvent } from '../api/group-watch.ts';
import type { EventBody, GroupBody, NodeView } from '../api/schemas.ts';
import type { GroupRecord } from '../core/group-record.ts';

/** What a command knows of a group while it follows it. */
export interface GroupState {
  readonly record: GroupRecord;
  readonly version: number;
  readonly nodes: readonly NodeView[];
  /** What the monitor decided last while the command was watching. */
  readonly lastDecision: EventBody | undefined;
}

/** A fresh answer of the monitor; the history that was seen stays. */
export function withAnswer(before: GroupState | undefined, answer: GroupBody): GroupState {
  // An answer that was under way while a newer record came in must not turn the clock back.
  if (before !== undefined && before.version > answer.record_version) return before;
  return {
    record: answer.record,
    version: answer.record_version,
    nodes: answer.nodes,
    lastDecision: before?.lastDecision,
  };
}

/** What one message of the watch changes. */
export function afterWatchEvent(state: GroupState, message: WatchEvent): GroupState {
  switch (message.kind) {
    case 'connected':
    case 'disconnected':
      return state;
    case 'record':
      return message.version < state.version ? state : withRecord(state, message.version, message.record);
    case 'state':
      return { ...state, nodes: withNode(state.nodes, message.node) };
    case 'event':
      return message.event.kind === 'decision' ? { ...state, lastDecision: message.event } : state;
  }
}

function withRecord(state: GroupState, version: number, record: GroupRecord): GroupState {
  const nodes = state.nodes.filter((node) => record.nodes.some((entry) => entry.id === node.node_id));
  return { ...state, version, record, nodes };
}

function withNode(nodes: readonly NodeView[], changed: NodeView): readonly NodeView[] {
  const isKnown = nodes.some((node) => node.node_id === changed.node_id);
  return isKnown
    ? nodes.map((node) => (node.node_id === changed.node_id ? changed : node))
    : [...nodes, changed];
}
