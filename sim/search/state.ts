import type { GroupRecord, NodeId } from '../../src/core/group-record.ts';
import { DEFAULT_SETTINGS, emptyRecord } from '../../src/core/group-record.ts';
import { reignTimelineAfter } from '../../src/core/lineage.ts';
import { primarySettings, standbySettings, upstreamOf } from '../../src/core/server-settings.ts';
import type { LocalView } from '../../src/core/action.ts';
import type { Keeper, Memory, Parts, Server, Stored, Surroundings } from './parts.ts';
import { NODES } from './permutations.ts';
import { hostOf } from './renaming.ts';
import { BASE, renamedWal, type Wal } from './wal-tree.ts';

/** A group at one moment. Never changed in place outside of the step that makes it. */
export interface State {
  stored: Stored;
  memory: Memory;
  around: Surroundings;
  /** The last acknowledged record: whatever contains it contains every acknowledged commit. */
  frontier: Wal;
  servers: Server[];
  keepers: Keeper[];
  /** What was decided on the way here, for traces. */
  words: readonly string[];
}

/** How many numbers a packed state has: record, memory, surroundings, frontier, and two for each node. */
export const WIDTH = 4 + 2 * NODES.length;

export function copyOf(state: State): State {
  return { ...state, servers: [...state.servers], keepers: [...state.keepers] };
}

export function serverOf(state: State, node: NodeId): Server {
  return state.servers[node - 1]!;
}

export function keeperOf(state: State, node: NodeId): Keeper {
  return state.keepers[node - 1]!;
}

export function setServer(state: State, node: NodeId, changes: Partial<Server>): void {
  state.servers[node - 1] = { ...serverOf(state, node), ...changes };
}

export function setKeeper(state: State, node: NodeId, changes: Partial<Keeper>): void {
  state.keepers[node - 1] = { ...keeperOf(state, node), ...changes };
}

/** Whether two places can talk; the monitor is place 0. */
export function canTalk({ around: { cut } }: State, a: number, b: number): boolean {
  return cut === null || !((cut[0] === a && cut[1] === b) || (cut[0] === b && cut[1] === a));
}

const walById: Wal[] = [];

function numberOf(wal: Wal): number {
  walById[wal.id] = wal;
  return wal.id;
}

/** A state as numbers, as its nodes are named. */
export function pack(parts: Parts, state: State): Int32Array {
  const packed = new Int32Array(WIDTH);
  packed[0] = state.stored.id;
  packed[1] = parts.memories.intern(state.memory).id;
  packed[2] = parts.surroundings.intern(state.around).id;
  packed[3] = numberOf(state.frontier);
  for (const node of NODES) {
    packed[2 + 2 * node] = parts.servers.intern(serverOf(state, node)).id;
    packed[3 + 2 * node] = parts.keepers.intern(keeperOf(state, node)).id;
  }
  return packed;
}

export function unpack(parts: Parts, packed: Int32Array, offset = 0): State {
  const at = (index: number): number => packed[offset + index]!;
  return {
    stored: parts.records.at(at(0)),
    memory: parts.memories.at(at(1)).value,
    around: parts.surroundings.at(at(2)).value,
    frontier: walById[at(3)]!,
    words: [],
    servers: NODES.map((node) => parts.servers.at(at(2 + 2 * node)).value),
    keepers: NODES.map((node) => parts.keepers.at(at(3 + 2 * node)).value),
  };
}

/** The same packed state with the nodes named otherwise, written to `into`. */
export function renamePacked(
  parts: Parts,
  packed: Int32Array,
  by: number,
  newNames: readonly number[],
  into: Int32Array,
): void {
  into[0] = parts.records.imageOf(packed[0]!, by);
  into[1] = parts.memories.imageOf(packed[1]!, by);
  into[2] = parts.surroundings.imageOf(packed[2]!, by);
  into[3] = numberOf(renamedWal(walById[packed[3]!]!, by));
  for (const node of NODES) {
    const place = newNames[node]!;
    into[2 + 2 * place] = parts.servers.imageOf(packed[2 + 2 * node]!, by);
    into[3 + 2 * place] = parts.keepers.imageOf(packed[3 + 2 * node]!, by);
  }
}

/** How many faults and commits a search allows. */
export type Bounds = Omit<Surroundings, 'cut'>;

/** Three healthy nodes in their first term: node 1 is the primary, the others stream from it. */
export function initialState(parts: Parts, bounds: Bounds): State {
  const record = healthyRecord();
  const stored = parts.records.intern(record);
  const settings = (node: NodeId): Server['settings'] => {
    const local = { node, configured: null } as unknown as LocalView;
    return node === 1
      ? primarySettings(record, record.reign!, local, true)
      : standbySettings(record, local, upstreamOf(record, 1, 1), false);
  };
  return {
    stored,
    memory: {
      reports: NODES.map(() => null),
      notStreaming: NODES.map(() => 0),
      seenTerm: 0,
      intentAge: 0,
      crashFailovers: 0,
      isSettledIn: true,
    },
    around: { ...bounds, cut: null },
    frontier: BASE,
    words: [],
    servers: NODES.map((node) => ({
      up: node === 1 ? 'primary' : 'standby',
      wal: BASE,
      isClean: false,
      isHalfMade: false,
      needed: null,
      wasStarted: false,
      settings: settings(node),
      receiver: node === 1 ? null : { node: 1, term: 1, isHalf: false },
      ghosts: [],
    })),
    keepers: NODES.map((node) => ({
      record: stored,
      pledge: null,
      promotedTerm: node === 1 ? 1 : null,
      servingTerm: node === 1 ? 1 : null,
      restartsUsed: 0,
      copyOf: null,
      isAlive: true,
      doing: null,
      knowsSettings: true,
      appliedRule: null,
      markerUnderWay: null,
      markerAcknowledged: null,
      hasHeard: true,
      isStoreSilent: false,
      isQuorumSilent: false,
      isIntentOld: false,
    })),
  };
}

function healthyRecord(): GroupRecord {
  return {
    ...emptyRecord('default', 0, DEFAULT_SETTINGS),
    systemIdentifier: '7300000000000000001',
    term: 1,
    reign: {
      term: 1,
      holder: 1,
      timeline: 1,
      basis: null,
      history: [],
      confirmed: true,
      restarts: 0,
      cause: 'first',
      because: '',
    },
    rules: [{ cohort: [1, 2, 3], k: 1 }],
    nodes: NODES.map((id) => ({
      id,
      name: `n${id}`,
      host: hostOf(id),
      port: 5432,
      candidatePriority: 50,
      replicationQuorum: true,
      maintenance: false,
      dropping: 'no',
    })),
    nextNodeId: 4,
    nextTimeline: reignTimelineAfter(1),
  };
}
