import type { Evidence } from '../../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../../src/core/group-record.ts';
import {
  enableMaintenance,
  disableMaintenance,
  requestFailover,
  requestSwitchover,
  updateNode,
  updateSettings,
  type Answer,
} from '../../src/core/requests.ts';
import { between, type Keeper, type Memory, type Surroundings } from './parts.ts';
import { NODES } from './permutations.ts';
import { copyOf, keeperOf, serverOf, setKeeper, setServer, type State } from './state.ts';
import { goDown } from './streaming.ts';

/** Something that goes wrong, or that a person does, with what it leads to. */
export interface Happening {
  readonly event: string;
  readonly state: State;
}

export interface Request {
  readonly event: string;
  readonly ask: (record: GroupRecord, evidence: Evidence) => Answer;
}

/** What a keeper forgets when it dies. */
const FORGOTTEN: Partial<Keeper> = {
  doing: null,
  knowsSettings: false,
  appliedRule: null,
  markerUnderWay: null,
  markerAcknowledged: null,
  hasHeard: false,
  isStoreSilent: false,
  isQuorumSilent: false,
  isIntentOld: false,
};

/** What a monitor knows when it starts. */
export const NOTHING_HEARD: Memory = {
  reports: NODES.map(() => null),
  notStreaming: NODES.map(() => 0),
  seenTerm: 0,
  intentAge: 0,
  crashFailovers: 0,
  isSettledIn: false,
};

/** A state with one fault less to spend. */
export function spending(state: State, what: keyof Omit<Surroundings, 'cut'>): State {
  const next = copyOf(state);
  next.around = { ...state.around, [what]: state.around[what] - 1 };
  return next;
}

/** Everything that may go wrong now. */
export function faultsOf(state: State): readonly Happening[] {
  const { crashes, cuts, restarts, cut } = state.around;
  return [
    ...(crashes > 0 ? NODES.flatMap((node) => crashesOf(state, node)) : []),
    ...(cuts > 0 && cut === null ? cutsOf(state) : []),
    ...(restarts > 0 ? restartsOf(state) : []),
  ];
}

function crashesOf(state: State, node: NodeId): readonly Happening[] {
  const happenings: Happening[] = [];
  if (serverOf(state, node).up !== 'down') {
    const next = spending(state, 'crashes');
    goDown(next, node, false);
    happenings.push({ event: `PostgreSQL of n${node} is killed`, state: next });
  }
  if (keeperOf(state, node).isAlive) {
    const next = spending(state, 'crashes');
    setKeeper(next, node, { ...FORGOTTEN, isAlive: false });
    happenings.push({ event: `the keeper of n${node} is killed`, state: next });
  }
  return happenings;
}

function cutsOf(state: State): readonly Happening[] {
  const places = [0, ...NODES];
  return places.flatMap((a) =>
    places
      .filter((b) => b > a)
      .map((b) => {
        const next = spending(state, 'cuts');
        next.around = { ...next.around, cut: between(a, b) };
        const nameOf = (place: number): string => (place === 0 ? 'the monitor' : `n${place}`);
        return { event: `${nameOf(a)} and ${nameOf(b)} are cut off from each other`, state: next };
      }),
  );
}

function restartsOf(state: State): readonly Happening[] {
  const machines = NODES.map((node) => {
    const next = spending(state, 'restarts');
    goDown(next, node, false, false);
    setKeeper(next, node, { ...FORGOTTEN, isAlive: false });
    return { event: `the machine of n${node} is reset`, state: next };
  });
  const monitor = spending(state, 'restarts');
  monitor.memory = NOTHING_HEARD;
  return [...machines, { event: 'the monitor is restarted', state: monitor }];
}

/** A commit of a client on whatever looks writable. */
export function commitsOf(
  state: State,
  write: (state: State, node: NodeId, value: number) => void,
): readonly Happening[] {
  const { transactions } = state.around;
  if (transactions === 0) return [];
  return NODES.filter((node) => {
    const { up, settings } = serverOf(state, node);
    return up === 'primary' && !settings.readOnly && !settings.locked;
  }).map((node) => {
    const next = spending(state, 'transactions');
    write(next, node, transactions);
    return { event: `a client commits on n${node}`, state: next };
  });
}

/** The network is whole again; ends of connections that were lost find out at once. */
export function healed(state: State): State {
  const next = copyOf(state);
  next.around = { ...state.around, cut: null };
  return withoutHalfOpen(next, () => true);
}

/** Half-open connections that somebody has given up by now. */
export function withoutHalfOpen(state: State, isOver: (a: NodeId, b: NodeId) => boolean): State {
  for (const node of NODES) {
    const { receiver, ghosts } = serverOf(state, node);
    const left = ghosts.filter((ghost) => !isOver(node, ghost.node));
    if (left.length < ghosts.length) setServer(state, node, { ghosts: left });
    if (receiver?.isHalf === true && isOver(node, receiver.node)) setServer(state, node, { receiver: null });
  }
  return state;
}

/** What a person may ask for; each costs the same one operation. */
export const OPERATIONS = ['switchover', 'failover', 'maintenance', 'priority', 'number_sync'] as const;

export type Operation = (typeof OPERATIONS)[number];

const WHO = 'an operator';

export function requestsOf(state: State, operations: readonly Operation[]): readonly Request[] {
  if (state.around.operations === 0) return [];
  const offers: Record<Operation, readonly Request[]> = {
    switchover: [
      {
        event: 'an operator asks for a switchover',
        ask: (record, evidence) => requestSwitchover(record, evidence, { target: null, requestedBy: WHO }),
      },
    ],
    failover: [
      {
        event: 'an operator asks for a failover',
        ask: (record, evidence) =>
          requestFailover(record, evidence, { target: null, requestedBy: WHO, allowDataLoss: false }),
      },
    ],
    maintenance: NODES.map((node) => ({
      event: `an operator begins maintenance of n${node}`,
      ask: (record, evidence) => enableMaintenance(record, evidence, node, true),
    })),
    priority: NODES.map((node) => ({
      event: `an operator sets the priority of n${node} to 0`,
      ask: (record) => updateNode(record, node, { candidatePriority: 0 }),
    })),
    number_sync: [
      {
        event: 'an operator sets number_sync_standbys to 0',
        ask: (record) => updateSettings(record, { numberSyncStandbys: 0 }),
      },
    ],
  };
  return operations.flatMap((operation) => offers[operation]);
}

/** Sooner or later a person ends a maintenance. */
export function endsOfMaintenance(state: State): readonly Request[] {
  return state.stored.value.nodes
    .filter((node) => node.maintenance)
    .map(({ id }) => ({
      event: `an operator ends the maintenance of n${id}`,
      ask: (record) => disableMaintenance(record, id),
    }));
}
