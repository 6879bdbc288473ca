import { accepted, busy, notFound, refused, type Answer, type Refused } from './answer.ts';
import type { Evidence } from './evidence.ts';
import {
  currentRule,
  findNode,
  type GroupRecord,
  type GroupSettings,
  type NodeEntry,
  type NodeId,
} from './group-record.ts';
import { mustLeave } from './membership.ts';
import { effectiveNumberSync } from './quorum.ts';
import { leaveBaton } from './reign-requests.ts';

export interface Registration {
  /** null: named after its id. */
  readonly name: string | null;
  readonly host: string;
  readonly port: number;
  readonly keeperPort?: number | undefined;
  readonly candidatePriority: number;
  readonly replicationQuorum: boolean;
  /** Of the data that the node already has; null when it has none. */
  readonly systemIdentifier: string | null;
}

/** Lets a node in, or finds it again when it asks twice. The first one gets the baton. */
export function registerNode(record: GroupRecord, node: Registration): Answer & { readonly nodeId?: NodeId } {
  const known = record.nodes.find((each) => each.host === node.host && each.port === node.port);
  const namesake = record.nodes.find((each) => each.name === node.name);
  if (known !== undefined && (node.name === null || node.name === known.name)) {
    const mismatch = foreignSystem(record, node);
    return (
      mismatch ?? {
        ...accepted(atKeeperPort(record, known, node), `"${known.name}" is registered already`),
        nodeId: known.id,
      }
    );
  }
  if (known !== undefined) {
    return refused(
      'BATON_NODE_EXISTS',
      `${node.host}:${node.port} is registered as "${known.name}"`,
      'Drop that node first, or use another port.',
    );
  }
  if (namesake !== undefined) {
    return refused(
      'BATON_NODE_EXISTS',
      `a node named "${namesake.name}" exists at ${namesake.host}:${namesake.port}`,
      'Choose another --name.',
    );
  }
  const mismatch = foreignSystem(record, node);
  if (mismatch !== undefined) return mismatch;
  const id = record.nextNodeId;
  const { systemIdentifier: _identifier, ...policy } = node;
  const entry: NodeEntry = {
    ...policy,
    id,
    name: node.name ?? `node_${id}`,
    hasVoted: false,
    maintenance: false,
    dropping: 'no',
  };
  const joined = { ...record, nodes: [...record.nodes, entry], nextNodeId: id + 1 };
  const next = record.nodes.length === 0 ? withFirstReign(joined, id, node.systemIdentifier) : joined;
  return { ...accepted(next, `"${entry.name}" joins as node ${id}`), nodeId: id };
}

function atKeeperPort(record: GroupRecord, known: NodeEntry, { keeperPort }: Registration): GroupRecord {
  if (keeperPort === undefined || keeperPort === known.keeperPort) return record;
  const nodes = record.nodes.map((node) => (node.id === known.id ? { ...node, keeperPort } : node));
  return { ...record, nodes };
}

function foreignSystem(record: GroupRecord, node: Registration): Refused | undefined {
  const { systemIdentifier } = node;
  if (
    systemIdentifier === null ||
    record.systemIdentifier === null ||
    systemIdentifier === record.systemIdentifier
  )
    return undefined;
  return refused(
    'BATON_SYSTEM_IDENTIFIER',
    `the data directory has system identifier ${systemIdentifier}, the group has ${record.systemIdentifier}`,
    'It holds another database. Use an empty data directory, or another formation.',
  );
}

function withFirstReign(record: GroupRecord, holder: NodeId, systemIdentifier: string | null): GroupRecord {
  const term = record.term + 1;
  return {
    ...record,
    systemIdentifier,
    term,
    reign: {
      term,
      holder,
      timeline: record.nextTimeline,
      basis: null,
      history: null,
      confirmed: false,
      restarts: 0,
      cause: 'first',
      because: 'the first node of the group',
    },
    rules: [{ cohort: [holder], k: 0 }],
  };
}

export type NodeChanges = Partial<
  Pick<NodeEntry, 'name' | 'host' | 'port' | 'candidatePriority' | 'replicationQuorum'>
>;

/** Changes the role policy or the address of a node. */
export function updateNode(record: GroupRecord, node: NodeId, changes: NodeChanges): Answer {
  const entry = record.nodes.find((each) => each.id === node);
  if (entry === undefined) return notFound(node);
  const changed = { ...entry, ...changes };
  const clash = record.nodes.find(
    (each) =>
      each.id !== node &&
      (each.name === changed.name || (each.host === changed.host && each.port === changed.port)),
  );
  if (clash !== undefined)
    return refused(
      'BATON_NODE_EXISTS',
      `"${clash.name}" at ${clash.host}:${clash.port} has that name or address`,
      'Names and addresses are unique.',
    );
  const next = { ...record, nodes: record.nodes.map((each) => (each.id === node ? changed : each)) };
  if (entry.replicationQuorum && !changed.replicationQuorum) {
    const blocked = leavesTooFew(next, node);
    if (blocked !== undefined) return blocked;
  }
  return accepted(next, `"${changed.name}" is changed: ${describeChanges(changes)}`);
}

function describeChanges(changes: object): string {
  return Object.entries(changes)
    .map(
      ([key, value]) =>
        `${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} ${JSON.stringify(value)}`,
    )
    .join(', ');
}

/** Changes settings of the group. */
export function updateSettings(record: GroupRecord, changes: Partial<GroupSettings>): Answer {
  const next = { ...record, settings: { ...record.settings, ...changes } };
  const standbys = next.nodes.filter(
    (node) => node.replicationQuorum && node.dropping === 'no' && node.id !== next.reign?.holder,
  ).length;
  const wanted = changes.numberSyncStandbys ?? 0;
  const { durability, numberSyncStandbys } = next.settings;
  if (durability === 'async' && (numberSyncStandbys ?? 0) > 0)
    return refused(
      'BATON_REFUSED',
      `commits of an async group wait for nobody, and number_sync_standbys is ${numberSyncStandbys}`,
      'Set number-sync-standbys to auto first, or leave durability at quorum.',
    );
  if (wanted > 0 && standbys < wanted + 1) {
    return refused(
      'BATON_REFUSED',
      `number_sync_standbys ${wanted} needs ${wanted + 1} standbys in the replication quorum, there are ${standbys}`,
      'With fewer, the loss of one standby would stop all writes. Add standbys first.',
    );
  }
  return accepted(next, `settings changed: ${describeChanges(changes)}`);
}

/** Removes a node. The primary hands over first; the last node takes the group's history with it. */
export function dropNode(record: GroupRecord, evidence: Evidence, node: NodeId, force: boolean): Answer {
  const entry = record.nodes.find((each) => each.id === node);
  if (entry === undefined) return notFound(node);
  if (record.nodes.every((each) => each.id === node || each.dropping !== 'no')) {
    const { term, nextTimeline, nextNodeId } = record;
    const empty = {
      ...record,
      systemIdentifier: null,
      reign: null,
      pastReigns: [],
      rules: [],
      intent: null,
      nodes: [],
      term,
      nextTimeline,
      nextNodeId,
    };
    return accepted(empty, `"${entry.name}", the last node of the group, is dropped`);
  }
  const dropping = force ? 'forced' : 'asked';
  const next = {
    ...record,
    nodes: record.nodes.map((each) => (each.id === node ? ({ ...each, dropping } as const) : each)),
  };
  const blocked = leavesTooFew(next, node);
  if (blocked !== undefined) return blocked;
  if (record.reign?.holder !== node) return accepted(next, `"${entry.name}" is dropped`);
  if (record.intent !== null) return busy(record);
  const handover = leaveBaton(next, evidence, entry, 'it is dropped');
  return handover.kind === 'refused'
    ? handover
    : { ...handover, because: `"${entry.name}" is dropped: ${handover.because}` };
}

/** Leaves a node alone: a standby leaves the cohort, a primary hands over first. */
export function enableMaintenance(
  record: GroupRecord,
  evidence: Evidence,
  node: NodeId,
  allowFailover: boolean,
): Answer {
  const entry = record.nodes.find((each) => each.id === node);
  if (entry === undefined) return notFound(node);
  if (entry.maintenance) return accepted(record, `"${entry.name}" is in maintenance already`);
  const next = {
    ...record,
    nodes: record.nodes.map((each) => (each.id === node ? { ...each, maintenance: true } : each)),
  };
  const blocked = leavesTooFew(next, node);
  if (blocked !== undefined) return blocked;
  if (record.reign?.holder !== node) return accepted(next, `maintenance of "${entry.name}" begins`);
  if (!allowFailover) {
    return refused(
      'BATON_UNSAFE',
      `"${entry.name}" is the primary`,
      'With --allow-failover the baton is handed to another node first.',
    );
  }
  if (record.intent !== null) return busy(record);
  return leaveBaton(next, evidence, entry, 'maintenance');
}

/** Ends the maintenance of a node: its keeper brings it back. */
export function disableMaintenance(record: GroupRecord, node: NodeId): Answer {
  const entry = record.nodes.find((each) => each.id === node);
  if (entry === undefined) return notFound(node);
  if (!entry.maintenance) return accepted(record, `"${entry.name}" is not in maintenance`);
  const nodes = record.nodes.map((each) => (each.id === node ? { ...each, maintenance: false } : each));
  return accepted({ ...record, nodes }, `maintenance of "${entry.name}" ends`);
}

/**
 * Refuses what would leave fewer voters than commits have to stand on. One of
 * the members that stay is the primary and the others are its voters, whoever
 * holds the baton now: it may be on its way out itself.
 */
function leavesTooFew(record: GroupRecord, node: NodeId): Refused | undefined {
  const members = currentRule(record)?.cohort ?? [];
  if (!members.includes(node)) return undefined;
  const staying = members.filter((member) => !mustLeave(findNode(record, member)));
  const left = Math.max(0, staying.length - 1);
  const needed = effectiveNumberSync(record);
  if (left >= needed) return undefined;
  return refused(
    'BATON_UNSAFE',
    `commits have to stand on ${needed} synchronous standby${needed === 1 ? '' : 's'}, and ${left} would be left`,
    'Lower number_sync_standbys first (`pgbaton set formation number-sync-standbys 0`), or add a standby.',
  );
}
