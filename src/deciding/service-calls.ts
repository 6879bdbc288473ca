import type { DecidingService, NodeAddress } from '../api/monitor-service.ts';
import { SettingsBody, type AcceptedBody, type GroupSecretsBody } from '../api/schemas.ts';
import type { Evidence } from '../core/evidence.ts';
import type { GroupRecord, GroupSettings, NodeId } from '../core/group-record.ts';
import { hasMoved } from '../core/move-record.ts';
import {
  disableMaintenance,
  dropNode,
  enableMaintenance,
  registerNode,
  requestFailover,
  requestSwitchover,
  updateNode,
  updateSettings,
  type Answer,
  type NodeChanges,
} from '../core/requests.ts';
import { BatonError } from '../lib/baton-error.ts';
import { camelKeys, snakeKeys } from '../lib/camel-keys.ts';
import { formationUris } from './connection-strings.ts';
import type { Formations } from './formations.ts';
import type { GroupDecider } from './group-decider.ts';
import type { RequestOutcome } from './group-requests.ts';

/** The passwords of each group's own roles: never in the store, so that neither a dump of it nor an event carries them. */
export interface GroupSecrets {
  /** The group's passwords; made when it has none yet. Throws BATON_STORE_UNAVAILABLE when they can't be read or kept. */
  of(formation: string, group: number): Promise<GroupSecretsBody>;
  /** Replaces them by those that the group's servers know already. */
  keep(formation: string, group: number, secrets: GroupSecretsBody): Promise<void>;
  forget(formation: string, group: number): Promise<void>;
}

type Calls<K extends keyof DecidingService> = Pick<DecidingService, K>;

/** Settings of a formation and the connection strings that follow from them. */
export function settingsCalls(
  formations: Formations,
  sslmode: 'require' | 'prefer',
): Calls<'getSettings' | 'updateSettings' | 'getUri'> {
  const firstDecider = (formation: string): GroupDecider => formations.decider(formation, 0);
  return {
    getSettings: (formation) =>
      SettingsBody.parse(snakeKeys(firstDecider(formation).current().record.settings)),
    async updateSettings(formation, patch) {
      const changes = camelKeys(patch) as Partial<GroupSettings>;
      let answer: AcceptedBody | undefined;
      for (const decider of formations.decidersOf(formation)) {
        answer = await ask(decider, (record) => {
          refuseHastyDetection({ ...record.settings, ...changes });
          return updateSettings(record, changes);
        });
      }
      if (answer === undefined)
        throw new BatonError('BATON_FORMATION_NOT_FOUND', `"${formation}" has no group`);
      return answer;
    },
    getUri: (formation) => formationUris(firstDecider(formation).current().record, sslmode),
  };
}

/** One report that comes late must not look like a dead host. */
function refuseHastyDetection({ detectionMs, heartbeatMs }: GroupSettings): void {
  if (detectionMs >= 2 * heartbeatMs) return;
  throw new BatonError(
    'BATON_REFUSED',
    `detection_ms ${detectionMs} is less than two heartbeats (heartbeat_ms ${heartbeatMs})`,
    { hint: 'Lower heartbeat_ms together with it.' },
  );
}

/** Registration, role policy, maintenance and removal of nodes. */
export function nodeCalls(
  formations: Formations,
  secrets: GroupSecrets,
): Calls<'registerNode' | 'updateNode' | 'dropNode' | 'enableMaintenance' | 'disableMaintenance'> {
  /** Asks the group that has a node of this name. */
  function askAbout(
    address: NodeAddress,
    request: (record: GroupRecord, evidence: Evidence, node: NodeId) => Answer,
  ): Promise<AcceptedBody> {
    const { decider, id } = findByName(formations, address);
    return ask(decider, (record, evidence) => request(record, evidence, id), { about: () => id });
  }

  return {
    async registerNode(formation, { group, auth, name, ...node }) {
      const decider = formations.decider(formation, group);
      refuseForeignAddress(formations, formation, node);
      const { answer, record, version } = await decider.request({
        ask: (current) => registerNode(current, { ...camelKeys(node), name: name ?? null }),
        dryRun: false,
        about: ({ nodeId }) => nodeId,
      });
      const entry = record.nodes.find(({ id }) => id === answer.nodeId);
      if (entry === undefined)
        throw new BatonError('BATON_GROUP_BUSY', 'the node was dropped as it registered');
      return {
        node_id: entry.id,
        name: entry.name,
        group,
        record_version: version,
        record,
        ...(auth === 'trust' ? {} : { secrets: await secrets.of(formation, group) }),
      };
    },
    updateNode: (address, body) =>
      askAbout(address, (record, _evidence, id) =>
        // JSON has no undefined: a key that is there has a value.
        updateNode(record, id, camelKeys(body) as NodeChanges),
      ),
    dropNode: (address, { force }) =>
      askAbout(address, (record, evidence, id) => dropNode(record, evidence, id, force)),
    enableMaintenance: (address, { allowFailover }) =>
      askAbout(address, (record, evidence, id) => enableMaintenance(record, evidence, id, allowFailover)),
    disableMaintenance: (address) =>
      askAbout(address, (record, _evidence, id) => disableMaintenance(record, id)),
  };
}

/** A group's state and its changes of primary. */
export function groupCalls(
  formations: Formations,
): Calls<'getGroup' | 'getEvidence' | 'switchover' | 'failover'> {
  return {
    getGroup({ formation, group }) {
      const decider = formations.decider(formation, group);
      const { record, version } = decider.current();
      const refused = decider.refused();
      return {
        record,
        record_version: version,
        nodes: [...decider.view()],
        ...(refused === undefined ? {} : { refused }),
      };
    },
    getEvidence({ formation, group }) {
      const decider = formations.decider(formation, group);
      const { record, version } = decider.current();
      return { record, record_version: version, evidence: decider.evidence() };
    },
    switchover({ formation, group }, { target, dry_run: dryRun, requested_by: requestedBy }) {
      const decider = formations.decider(formation, group);
      const node = targetOf(decider, target);
      return ask(
        decider,
        (record, evidence) => requestSwitchover(record, evidence, { target: node, requestedBy }),
        { dryRun, about: () => node ?? undefined },
      );
    },
    failover({ formation, group }, body) {
      const { target, dry_run: dryRun, requested_by: requestedBy, allow_data_loss: allowDataLoss } = body;
      const decider = formations.decider(formation, group);
      const node = targetOf(decider, target);
      const request = { target: node, requestedBy, allowDataLoss };
      return ask(decider, (record, evidence) => requestFailover(record, evidence, request), {
        dryRun,
        about: () => node ?? undefined,
      });
    },
  };
}

async function ask(
  decider: GroupDecider,
  question: (record: GroupRecord, evidence: Evidence) => Answer,
  options: { readonly dryRun?: boolean; readonly about?: () => NodeId | undefined } = {},
): Promise<AcceptedBody> {
  const { dryRun = false, about } = options;
  const { answer, version }: RequestOutcome<Answer> = await decider.request({
    ask: question,
    dryRun,
    ...(about === undefined ? {} : { about }),
  });
  return { accepted: !dryRun, because: answer.because, plan: [...answer.plan], record_version: version };
}

/** The node of a switchover's `target`; null: the best one. */
function targetOf(decider: GroupDecider, name: string | undefined): NodeId | null {
  if (name === undefined) return null;
  const { record } = decider.current();
  const node = record.nodes.find((each) => each.name === name);
  if (node === undefined) throw noSuchNode({ formation: record.formation, name });
  return node.id;
}

function findByName(
  formations: Formations,
  address: NodeAddress,
): { readonly decider: GroupDecider; readonly id: NodeId } {
  for (const decider of formations.decidersOf(address.formation)) {
    const node = decider.current().record.nodes.find(({ name }) => name === address.name);
    if (node !== undefined) return { decider, id: node.id };
  }
  throw noSuchNode(address);
}

function noSuchNode({ formation, name }: NodeAddress): BatonError {
  return new BatonError('BATON_NODE_NOT_FOUND', `formation "${formation}" has no node "${name}"`, {
    hint: `"pgbaton show nodes --formation ${formation}" lists them.`,
  });
}

/** One server can't be a node of two formations: each would make it what the other does not want. */
function refuseForeignAddress(
  formations: Formations,
  formation: string,
  { host, port }: { readonly host: string; readonly port: number },
): void {
  for (const decider of formations.allDeciders()) {
    const { record } = decider.current();
    if (record.formation === formation || hasMoved(record)) continue;
    const node = record.nodes.find((each) => each.host === host && each.port === port);
    if (node === undefined) continue;
    throw new BatonError(
      'BATON_NODE_EXISTS',
      `${host}:${port} is node "${node.name}" of formation "${record.formation}"`,
      { hint: 'Use another port, or drop that node first.' },
    );
  }
}
