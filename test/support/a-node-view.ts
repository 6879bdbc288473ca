import type { EventBody, GroupBody, NodeView } from '../../src/api/schemas.ts';
import type { GroupRecord } from '../../src/core/group-record.ts';

/** A healthy standby, but for what a test says. */
export function aNodeView(changes: Partial<NodeView> = {}): NodeView {
  return {
    node_id: 2,
    name: 'node_2',
    host: 'localhost',
    port: 5002,
    group_id: 0,
    reported_state: 'secondary',
    assigned_state: 'secondary',
    timeline: 1,
    lsn: '0/3001648',
    connection: 'read-only',
    health: 'good',
    report_age_ms: 120,
    candidate_priority: 50,
    replication_quorum: true,
    activity: null,
    problem: null,
    lag_bytes: 0,
    ...changes,
  };
}

export function aPrimaryView(changes: Partial<NodeView> = {}): NodeView {
  return aNodeView({
    node_id: 1,
    name: 'node_1',
    port: 5001,
    reported_state: 'primary',
    assigned_state: 'primary',
    connection: 'read-write',
    ...changes,
  });
}

/** What the monitor answers about a group: a row for each node of the record. */
export function aGroupBody(
  record: GroupRecord,
  version: number,
  changes: Record<string, Partial<NodeView>> = {},
): GroupBody {
  return {
    record,
    record_version: version,
    nodes: record.nodes.map(({ id, name, host, port }) => {
      const view = record.reign?.holder === id ? aPrimaryView() : aNodeView();
      return { ...view, node_id: id, name, host, port, ...changes[name] };
    }),
  };
}

export function anEvent(changes: Partial<EventBody> = {}): EventBody {
  return {
    id: 1,
    at: '2026-11-20T12:00:00.000Z',
    formation: 'default',
    group: 0,
    kind: 'decision',
    because: 'something was decided',
    term: 3,
    record_version: 7,
    ...changes,
  };
}
