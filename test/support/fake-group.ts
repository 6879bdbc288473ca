import type { GroupAddress, MonitorClient } from '../../src/api/client.ts';
import type { PostgresReport, Report } from '../../src/core/evidence.ts';
import { cohortMembers, currentRule, type GroupRecord, type NodeId } from '../../src/core/group-record.ts';
import { aReport } from './a-report.ts';

/** What one node of the group is, as its keeper would know it. */
interface FakeNode {
  readonly id: NodeId;
  readonly name: string;
  readonly session: number;
  sequence: number;
  /** false: its whole host is gone. */
  isUp: boolean;
  postgres: PostgresReport;
  pledge: Report['pledge'];
  promotedTerm: number | null;
  restartsUsed: number;
  /** The term in which it streams from the holder; null: it does not. */
  streamsInTerm: number | null;
}

/**
 * Keepers that do at once what the record asks for, over PostgreSQL servers
 * that exist only as reports: a real monitor can be led through whole
 * failovers in a second. WAL does not grow.
 */
export interface FakeGroup {
  /** Follows the monitor and reports until the test ends; comes back after a break like a keeper. */
  run(signal: AbortSignal): Promise<void>;
  /** The host is lost: no reports, no streaming. */
  lose(name: string): void;
  /** PostgreSQL dies, the keeper lives. */
  crash(name: string): void;
  bringBack(name: string): void;
  /** The newest record that has come in. */
  record(): GroupRecord | undefined;
}

export interface FakeGroupOptions {
  /** The line of each node to the monitor; default: all share the one that registers them. */
  readonly clientOf?: (name: string) => MonitorClient;
  /** How often a node reports when nothing changes, ms. */
  readonly everyMs?: number;
  /** Told how long the answer to a report took, ms. */
  readonly onAnswer?: (ms: number) => void;
}

export async function registerFakeGroup(
  client: MonitorClient,
  address: GroupAddress,
  names: readonly string[],
  { clientOf = () => client, everyMs = 100, onAnswer = () => undefined }: FakeGroupOptions = {},
): Promise<FakeGroup> {
  const nodes: FakeNode[] = [];
  for (const [index, name] of names.entries()) {
    const body = { name, host: `${address.formation}.example`, port: 5_001 + index, auth: 'trust' };
    const { node_id: id } = await client.registerNode(address.formation, body);
    const postgres = aReport(id).postgres;
    nodes.push({
      id,
      name,
      session: 1,
      sequence: 0,
      isUp: true,
      postgres: { ...postgres, markerTerm: null },
      pledge: null,
      promotedTerm: null,
      restartsUsed: 0,
      streamsInTerm: null,
    });
  }
  let record: GroupRecord | undefined;
  let version = 0;
  const find = (name: string): FakeNode => {
    const node = nodes.find((each) => each.name === name);
    if (node === undefined) throw new Error(`no node "${name}"`);
    return node;
  };

  async function report(): Promise<void> {
    if (record === undefined) return;
    const current = record;
    for (const node of nodes) if (node.isUp) obey(node, current, nodes);
    const living = nodes.filter(({ isUp }) => isUp);
    for (const node of living) await send(node, toReport(node, current, version, nodes));
  }

  async function send({ name }: FakeNode, each: Report): Promise<void> {
    const beganMs = performance.now();
    await clientOf(name)
      .sendReport(address, each)
      .then(
        () => onAnswer(performance.now() - beganMs),
        () => undefined,
      );
  }

  async function follow(each: MonitorClient, signal: AbortSignal): Promise<void> {
    for await (const event of each.watchGroup(address, signal)) {
      if (event.kind !== 'record' || event.version <= version) continue;
      ({ record, version } = event);
      await report();
    }
  }

  return {
    record: () => record,
    async run(signal) {
      const timer = setInterval(() => void report(), everyMs);
      signal.addEventListener('abort', () => clearInterval(timer));
      const clients = new Set(names.map(clientOf));
      await Promise.all([...clients].map((each) => follow(each, signal)));
    },
    lose(name) {
      const node = find(name);
      node.isUp = false;
      node.streamsInTerm = null;
      for (const other of nodes) if (node.promotedTerm === other.streamsInTerm) other.streamsInTerm = null;
    },
    crash(name) {
      const node = find(name);
      node.postgres = { ...node.postgres, status: 'crashed', role: null };
      for (const other of nodes) if (node.promotedTerm === other.streamsInTerm) other.streamsInTerm = null;
      // A keeper that notices a death tells it at once.
      void report();
    },
    bringBack(name) {
      find(name).isUp = true;
    },
  };
}

function obey(node: FakeNode, record: GroupRecord, nodes: readonly FakeNode[]): void {
  if (record.intent !== null) return pledgeIfAsked(node, record);
  if (record.reign?.holder === node.id) return reign(node, record);
  const holder = nodes.find(({ id }) => id === record.reign?.holder);
  if (!record.reign?.confirmed || holder?.isUp !== true) return;
  const { position, history } = holder.postgres;
  node.postgres = { ...node.postgres, status: 'running', role: 'standby', position, history };
  node.streamsInTerm = record.reign.term;
}

function pledgeIfAsked(node: FakeNode, { intent, ...record }: GroupRecord): void {
  if (intent === null || node.postgres.position === null) return;
  const isLeaving = node.id === intent.from;
  if (!isLeaving && intent.stage !== 'elect') return;
  if (!isLeaving && !cohortMembers({ ...record, intent }).includes(node.id)) return;
  if (isLeaving) node.postgres = { ...node.postgres, status: 'stopped', role: null };
  const { position, history } = node.postgres;
  if (position !== null)
    node.pledge = {
      term: intent.term,
      position,
      history,
    };
  node.streamsInTerm = null;
}

function reign(node: FakeNode, { reign: present }: GroupRecord): void {
  const { postgres } = node;
  if (present === null) return;
  if (node.promotedTerm !== present.term) {
    const { position, history } = postgres;
    const isFirst = present.basis === null || position === null;
    node.postgres = {
      ...postgres,
      status: 'running',
      role: 'primary',
      markerTerm: present.term,
      history: isFirst ? history : [...history, { timeline: position.timeline, end: position.lsn }],
      position: isFirst ? position : { timeline: present.timeline, lsn: position.lsn },
    };
    node.promotedTerm = present.term;
    node.restartsUsed = 0;
  } else if (postgres.role === null && present.restarts > node.restartsUsed) {
    node.postgres = { ...postgres, status: 'running', role: 'primary' };
    node.restartsUsed = present.restarts;
  }
  node.streamsInTerm = null;
}

function toReport(node: FakeNode, record: GroupRecord, version: number, nodes: readonly FakeNode[]): Report {
  const { id, session, pledge, promotedTerm, restartsUsed, postgres } = node;
  const isPrimary = postgres.role === 'primary';
  const rule = currentRule(record);
  const confirmedRule =
    isPrimary && promotedTerm !== null && rule !== undefined
      ? { term: promotedTerm, change: record.ruleChanges, cohort: [...rule.cohort], k: rule.k }
      : null;
  const followers = nodes.filter(({ isUp, streamsInTerm }) => isUp && streamsInTerm === promotedTerm);
  return {
    ...aReport(id, { session, pledge, promotedTerm, restartsUsed }, postgres),
    sequence: ++node.sequence,
    recordVersion: version,
    servingTerm: isPrimary ? promotedTerm : null,
    confirmedRule,
    postgres: {
      ...postgres,
      upstream:
        node.streamsInTerm === null
          ? null
          : { term: node.streamsInTerm, host: 'localhost', port: 5_001, silentMs: 0 },
      followers: isPrimary
        ? followers.map((follower) => ({
            node: follower.id,
            term: promotedTerm ?? 0,
            state: 'streaming',
            flushLsn: postgres.position?.lsn ?? null,
            replayLsn: postgres.position?.lsn ?? null,
            syncPriority: 1,
            silentMs: 0,
          }))
        : [],
    },
  };
}
