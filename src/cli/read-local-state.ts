import type { NodeView } from '../api/schemas.ts';
import { findNode } from '../core/group-record.ts';
import { assignedState } from '../core/state-names.ts';
import type { CliServices } from './cli-services.ts';
import type { LocalNode } from './local-config.ts';

/**
 * A row about the local node from its own files alone. What only the monitor
 * and a running server could tell is `unknown`, or not there.
 */
export async function readLocalState(
  services: Pick<CliServices, 'readJournal' | 'findPostmaster'>,
  { config, files, dataDirectory }: LocalNode,
): Promise<NodeView> {
  const { record, servingTerm } = await services.readJournal(files.stateDirectory);
  const isRunning = (await services.findPostmaster(dataDirectory)) !== undefined;
  const nodeId = config.nodeId ?? 0;
  const entry = record === null ? undefined : findNode(record, nodeId);
  const servesAsPrimary = servingTerm !== null && servingTerm === record?.reign?.term;
  return {
    node_id: nodeId,
    name: entry?.name ?? config.name ?? `node_${nodeId}`,
    host: entry?.host ?? config.hostname,
    port: entry?.port ?? config.postgres.port,
    group_id: config.group,
    reported_state: 'unknown',
    assigned_state: record === null ? 'unknown' : assignedState(record, nodeId),
    timeline: null,
    lsn: null,
    connection: isRunning ? (servesAsPrimary ? 'read-write' : 'read-only') : 'none',
    health: 'unknown',
    report_age_ms: null,
    candidate_priority: entry?.candidatePriority ?? config.candidatePriority,
    replication_quorum: entry?.replicationQuorum ?? config.replicationQuorum,
    activity: null,
    problem: null,
    lag_bytes: null,
  };
}
