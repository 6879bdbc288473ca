import { withIntent } from './decide.ts';
import type { Evidence } from './evidence.ts';
import {
  currentRule,
  nameOf,
  type GroupRecord,
  type GroupSettings,
  type NodeEntry,
  type NodeId,
} from './group-record.ts';
import { canStand, holderCondition, liveReport } from './liveness.ts';
import { bytesAtRisk, promotionObstacles } from './obstacles.ts';
import { effectiveNumberSync, votersOf } from './quorum.ts';

/** What becomes of something that a person, or a joining keeper, asks for. */
export type Answer = Accepted | Refused;

export interface Accepted {
  readonly kind: 'accepted';
  /** Equal to the record read when there is nothing to change. */
  readonly next: GroupRecord;
  readonly because: string;
  /** What will happen, step by step: what `--dry-run` prints. */
  readonly plan: readonly string[];
}

export interface Refused {
  readonly kind: 'refused';
  readonly code:
    | 'BATON_NODE_NOT_FOUND'
    | 'BATON_NODE_EXISTS'
    | 'BATON_SYSTEM_IDENTIFIER'
    | 'BATON_REFUSED'
    | 'BATON_UNSAFE'
    | 'BATON_GROUP_BUSY';
  readonly message: string;
  readonly hint: string;
}

export interface Registration {
  /** null: named after its id. */
  readonly name: string | null;
  readonly host: string;
  readonly port: number;
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
    return mismatch ?? { ...accepted(record, `"${known.name}" is registered already`), nodeId: known.id };
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
    maintenance: false,
    dropping: 'no',
  };
  const joined = { ...record, nodes: [...record.nodes, entry], nextNodeId: id + 1 };
  const next = record.nodes.length === 0 ? withFirstReign(joined, id, node.systemIdentifier) : joined;
  return { ...accepted(next, `"${entry.name}" joins as node ${id}`), nodeId: id };
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
  if (record.reign?.holder !== node) {
    return leavesTooFew(next, node) ?? accepted(next, `"${entry.name}" is dropped`);
  }
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
  if (record.reign?.holder !== node)
    return leavesTooFew(next, node) ?? accepted(next, `maintenance of "${entry.name}" begins`);
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

/** Refuses what would leave fewer voters than commits have to stand on. */
function leavesTooFew(record: GroupRecord, node: NodeId): Refused | undefined {
  const rule = currentRule(record);
  const holder = record.reign?.holder;
  if (rule === undefined || holder === undefined || !rule.cohort.includes(node) || node === holder)
    return undefined;
  const left = votersOf(rule, holder).filter((each) => {
    const entry = record.nodes.find((other) => other.id === each);
    return entry !== undefined && entry.replicationQuorum && !entry.maintenance && entry.dropping === 'no';
  }).length;
  const needed = effectiveNumberSync(record);
  if (left >= needed) return undefined;
  return refused(
    'BATON_UNSAFE',
    `commits have to stand on ${needed} synchronous standby${needed === 1 ? '' : 's'}, and ${left} would be left`,
    'Lower number_sync_standbys first (`pgbaton set formation number-sync-standbys 0`), or add a standby.',
  );
}

export interface SwitchoverRequest {
  /** null: the best candidate. */
  readonly target: NodeId | null;
  readonly requestedBy: string;
}

/** A planned change of primary. */
export function requestSwitchover(
  record: GroupRecord,
  evidence: Evidence,
  request: SwitchoverRequest,
): Answer {
  const { reign } = record;
  if (reign === null)
    return refused('BATON_REFUSED', 'the group has no primary yet', 'Wait until its first node runs.');
  if (record.intent !== null) return busy(record);
  if (request.target === reign.holder)
    return accepted(record, `${nameOf(record, reign.holder)} is the primary already`);
  return planHandover(record, evidence, request.target, `${request.requestedBy} asked for a switchover`);
}

function leaveBaton(record: GroupRecord, evidence: Evidence, entry: NodeEntry, why: string): Answer {
  return planHandover(record, evidence, null, `"${entry.name}" gives the baton away: ${why}`);
}

function planHandover(
  record: GroupRecord,
  evidence: Evidence,
  asked: NodeId | null,
  because: string,
): Answer {
  const { reign } = record;
  if (reign === null)
    return refused('BATON_REFUSED', 'the group has no primary yet', 'Wait until its first node runs.');
  const holder = liveReport(record, evidence, reign.holder);
  if (holder?.postgres.role !== 'primary' || !reign.confirmed) {
    return refused(
      'BATON_UNSAFE',
      `${nameOf(record, reign.holder)} does not serve as the primary now`,
      '`pgbaton why` tells what happens; `pgbaton perform failover` gives a lost primary up.',
    );
  }
  const target = asked ?? bestTarget(record, evidence);
  if (target === undefined) {
    return refused(
      'BATON_UNSAFE',
      'no standby can take over now',
      '`pgbaton why` tells for each node what stops it.',
    );
  }
  const obstacles = promotionObstacles(record, evidence, target);
  if (obstacles.length > 0) {
    return refused(
      'BATON_UNSAFE',
      `${nameOf(record, target)} can't take over: ${obstacles.join('; ')}`,
      '`pgbaton why` tells more.',
    );
  }
  const from = nameOf(record, reign.holder);
  const to = nameOf(record, target);
  const lag = bytesAtRisk(record, evidence, target) ?? 0;
  const next = withIntent(record, 'handover', record.term + 1, reign, 'switchover', because, { target });
  return {
    ...accepted(next, because),
    plan: [
      `${to} streams from ${from} and is ${lag} bytes behind`,
      `${from} takes checkpoints until little is left to flush, then shuts down`,
      `${to} receives the last WAL, term ${next.term} begins, ${to} is promoted`,
      'the other standbys follow by a reload, without a restart',
      `${from} comes back as a standby, without a rewind`,
      `undone if ${from} has not shut down within ${record.settings.handoverMs / 1000} s`,
    ],
  };
}

/** By priority, then by what it has received. */
function bestTarget(record: GroupRecord, evidence: Evidence): NodeId | undefined {
  const lag = (node: NodeId): number => bytesAtRisk(record, evidence, node) ?? Number.MAX_SAFE_INTEGER;
  return record.nodes
    .filter(
      (node) =>
        node.id !== record.reign?.holder &&
        canStand(record, evidence, node.id) &&
        promotionObstacles(record, evidence, node.id).length === 0,
    )
    .toSorted((a, b) => b.candidatePriority - a.candidatePriority || lag(a.id) - lag(b.id) || a.id - b.id)[0]
    ?.id;
}

export interface FailoverRequest extends SwitchoverRequest {
  readonly allowDataLoss: boolean;
}

/**
 * Gives the present primary up by hand. A primary that lives hands over; for
 * one that is lost the pledges are collected as in an automatic failover, and
 * only `allowDataLoss` goes on without enough of them.
 */
export function requestFailover(record: GroupRecord, evidence: Evidence, request: FailoverRequest): Answer {
  const { reign } = record;
  if (reign === null)
    return refused('BATON_REFUSED', 'the group has no primary yet', 'Wait until its first node runs.');
  if (record.intent !== null) {
    if (!request.allowDataLoss || record.intent.allowDataLoss) return busy(record);
    const intent = { ...record.intent, allowDataLoss: true, cause: 'forced' as const };
    return accepted({ ...record, intent }, `${request.requestedBy} accepts that commits may be lost`);
  }
  const condition = holderCondition(record, evidence);
  if (condition.kind === 'alive' && liveReport(record, evidence, reign.holder)?.postgres.role === 'primary') {
    return requestSwitchover(record, evidence, request);
  }
  const because = `${request.requestedBy} asked for a failover`;
  const next = withIntent(
    record,
    'failover',
    record.term + 1,
    reign,
    request.allowDataLoss ? 'forced' : 'lost',
    because,
    {
      target: request.target,
      allowDataLoss: request.allowDataLoss,
    },
  );
  return {
    ...accepted(next, because),
    plan: [
      `${nameOf(record, reign.holder)} is given up`,
      `the other members pledge term ${next.term}, the most advanced is promoted`,
      request.allowDataLoss
        ? 'if too few of them answer, the promotion goes on after 5 s all the same, and commits that only the silent ones have are lost'
        : 'nothing happens until enough of them have answered to prove that no commit is lost',
    ],
  };
}

function accepted(next: GroupRecord, because: string): Accepted {
  return { kind: 'accepted', next, because, plan: [because] };
}

function refused(code: Refused['code'], message: string, hint: string): Refused {
  return { kind: 'refused', code, message, hint };
}

function notFound(node: NodeId): Refused {
  return refused(
    'BATON_NODE_NOT_FOUND',
    `node ${node} is not in the group`,
    '`pgbaton show nodes` lists them.',
  );
}

function busy(record: GroupRecord): Refused {
  return refused(
    'BATON_GROUP_BUSY',
    `a change of primary is under way: ${record.intent?.because ?? ''}`,
    'Wait until it is done; `pgbaton why` tells what it waits for.',
  );
}
