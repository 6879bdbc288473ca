import type { Action } from '../../src/core/action.ts';
import type { ConfirmedRule, Report } from '../../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../../src/core/group-record.ts';
import type { ServerSettings } from '../../src/core/server-settings.ts';
import { createInterner, type Interned, type Interner } from './interner.ts';
import { rearranged, renamed } from './permutations.ts';
import {
  renamedAction,
  renamedFollowers,
  renamedRecord,
  renamedReport,
  renamedRule,
  renamedSettings,
} from './renaming.ts';
import { renamedWal, type Wal } from './wal-tree.ts';

export type Stored = Interned<GroupRecord>;

/** A walreceiver that receives; `isHalf`: the other end is gone and it has not noticed. */
export interface Receiver {
  readonly node: NodeId;
  readonly term: number;
  readonly isHalf: boolean;
}

/** A walsender whose standby is gone, and that has not noticed. */
export interface Ghost {
  readonly node: NodeId;
  readonly term: number;
  readonly flushed: Wal;
}

/** A PostgreSQL server with its data directory. */
export interface Server {
  readonly up: 'down' | 'starting' | 'standby' | 'primary';
  readonly wal: Wal;
  /** pg_control says "shut down". */
  readonly isClean: boolean;
  /** A rewind has been begun and not finished. */
  readonly isHalfMade: boolean;
  /** What a rewound copy needs before it is consistent. */
  readonly needed: Wal | null;
  /** Started as a primary, not promoted: what it shows without its marker was acknowledged by nobody. */
  readonly wasStarted: boolean;
  readonly settings: ServerSettings;
  readonly receiver: Receiver | null;
  readonly ghosts: readonly Ghost[];
}

export interface Promise {
  readonly term: number;
  readonly wal: Wal;
}

export interface AppliedRule extends ConfirmedRule {
  readonly safe: Wal;
}

/** A keeper: its journal, and what it forgets when it dies. */
export interface Keeper {
  readonly record: Stored;
  readonly pledge: Promise | null;
  readonly promotedTerm: number | null;
  readonly servingTerm: number | null;
  readonly restartsUsed: number;
  readonly copyOf: number | null;
  readonly isAlive: boolean;
  /** The action under way, and how many of its steps are done. */
  readonly doing: { readonly action: Action; readonly step: number } | null;
  readonly knowsSettings: boolean;
  readonly appliedRule: AppliedRule | null;
  readonly markerUnderWay: Wal | null;
  readonly markerAcknowledged: number | null;
  readonly hasHeard: boolean;
  readonly isStoreSilent: boolean;
  readonly isQuorumSilent: boolean;
  readonly isIntentOld: boolean;
}

/** 0: just now; 1: beyond the detection time and every wait of an election; 2: beyond every time limit. */
export type Age = 0 | 1 | 2;

/** What the monitor remembers beside its store. */
export interface Memory {
  /** null: silent for longer than the detection time, or never heard. */
  readonly reports: readonly (Interned<Report> | null)[];
  readonly notStreaming: readonly Age[];
  /** The term whose holder was seen to be its primary. */
  readonly seenTerm: number;
  readonly intentAge: Age;
  readonly crashFailovers: number;
  /** It has listened for the detection time. */
  readonly isSettledIn: boolean;
}

/** What is left of the faults, and the one that lasts. */
export interface Surroundings {
  /** Two places, 0 is the monitor. */
  readonly cut: readonly [number, number] | null;
  readonly transactions: number;
  readonly crashes: number;
  readonly cuts: number;
  readonly restarts: number;
  readonly operations: number;
  /** Moments in which time passes although somebody has something to do. */
  readonly pauses: number;
}

export interface Parts {
  readonly records: Interner<GroupRecord>;
  readonly reports: Interner<Report>;
  readonly servers: Interner<Server>;
  readonly keepers: Interner<Keeper>;
  readonly memories: Interner<Memory>;
  readonly surroundings: Interner<Surroundings>;
}

const textOf = new WeakMap<object, string>();

/** JSON of what is shared by many parts, made once. */
function text(value: object | null): string {
  if (value === null) return '-';
  let known = textOf.get(value);
  if (known === undefined) textOf.set(value, (known = JSON.stringify(value)));
  return known;
}

function serverKey(server: Server): string {
  const { up, wal, isClean, isHalfMade, needed, wasStarted, settings, receiver, ghosts } = server;
  const from = receiver === null ? '-' : `${receiver.node}@${receiver.term}${receiver.isHalf}`;
  const gone = ghosts.map(({ node, term, flushed }) => `${node}@${term}:${flushed.id}`).join();
  return `${up} ${wal.id} ${isClean} ${isHalfMade} ${needed?.id} ${wasStarted} ${from} ${gone} ${text(settings)}`;
}

function renamedServer(server: Server, by: number): Server {
  const { wal, needed, settings, receiver, ghosts } = server;
  return {
    ...server,
    wal: renamedWal(wal, by),
    needed: needed && renamedWal(needed, by),
    settings: renamedSettings(settings, by),
    receiver: receiver && { ...receiver, node: renamed(receiver.node, by) },
    ghosts: renamedFollowers(ghosts, by).map((ghost) => ({
      ...ghost,
      flushed: renamedWal(ghost.flushed, by),
    })),
  };
}

function keeperKey(keeper: Keeper): string {
  const { record, pledge, doing, appliedRule: rule, markerUnderWay } = keeper;
  const promise = pledge === null ? '-' : `${pledge.term} ${pledge.wal.id}`;
  const applied =
    rule === null ? '-' : `${rule.cohort.join()} ${rule.k} ${rule.term} ${rule.change} ${rule.safe.id}`;
  return [
    `${record.id} ${keeper.promotedTerm} ${keeper.servingTerm} ${keeper.restartsUsed}`,
    `${keeper.copyOf} ${keeper.isAlive} ${keeper.knowsSettings} ${keeper.markerAcknowledged} ${keeper.hasHeard}`,
    `${keeper.isStoreSilent} ${keeper.isQuorumSilent} ${keeper.isIntentOld} ${markerUnderWay?.id}`,
    `${promise};${applied};${doing?.step}${text(doing?.action ?? null)}`,
  ].join(' ');
}

/** The tables of all parts; they only grow. */
export function createParts(): Parts {
  const records = createInterner<GroupRecord>((record) => JSON.stringify(record), renamedRecord);
  const reports = createInterner<Report>((report) => JSON.stringify(report), renamedReport);

  function renamedKeeper(keeper: Keeper, by: number): Keeper {
    const { record, pledge, doing, appliedRule, markerUnderWay } = keeper;
    return {
      ...keeper,
      record: records.at(records.imageOf(record.id, by)),
      pledge: pledge && { ...pledge, wal: renamedWal(pledge.wal, by) },
      doing: doing && { ...doing, action: renamedAction(doing.action, by) },
      appliedRule: appliedRule && {
        ...renamedRule(appliedRule, by),
        safe: renamedWal(appliedRule.safe, by),
      },
      markerUnderWay: markerUnderWay && renamedWal(markerUnderWay, by),
    };
  }

  function renamedMemory(memory: Memory, by: number): Memory {
    const renamedOnes = memory.reports.map((report) => report && reports.at(reports.imageOf(report.id, by)));
    return {
      ...memory,
      reports: rearranged(renamedOnes, by),
      notStreaming: rearranged(memory.notStreaming, by),
    };
  }

  const memoryKey = (memory: Memory): string =>
    `${memory.reports.map((report) => report?.id).join()} ${memory.notStreaming.join()} ${memory.seenTerm} ${memory.intentAge} ${memory.crashFailovers} ${memory.isSettledIn}`;

  const surroundingsKey = (it: Surroundings): string =>
    `${it.cut?.join()} ${it.transactions} ${it.crashes} ${it.cuts} ${it.restarts} ${it.operations} ${it.pauses}`;
  const renamedSurroundings = (it: Surroundings, by: number): Surroundings => ({
    ...it,
    cut: it.cut && between(renamed(it.cut[0], by), renamed(it.cut[1], by)),
  });

  return {
    records,
    reports,
    servers: createInterner(serverKey, renamedServer),
    keepers: createInterner(keeperKey, renamedKeeper),
    memories: createInterner(memoryKey, renamedMemory),
    surroundings: createInterner(surroundingsKey, renamedSurroundings),
  };
}

/** Two places in ascending order. */
export function between(a: number, b: number): readonly [number, number] {
  return a < b ? [a, b] : [b, a];
}
