import type { Lineage, TimelineSwitch } from './lineage.ts';
import type { Lsn } from './lsn.ts';

/** Identifies a node inside its group for ever; never given to another node. */
export type NodeId = number;

/**
 * All that a group has decided, in one document under one compare-and-swap.
 * Nothing else is the truth. It holds no times: deadlines are ages that the
 * decider measures.
 */
export interface GroupRecord {
  readonly schemaVersion: 1;
  /** Where it has lived and who has written it. */
  readonly home: RecordHome;
  readonly formation: string;
  readonly group: number;
  /** Formed once, by the first holder; a server with another identifier is refused (I11, I12). */
  readonly systemIdentifier: string | null;
  /** The highest term ever named, by a reign or by an intent. */
  readonly term: number;
  /** The present reign; null only before the first node has been registered. */
  readonly reign: Reign | null;
  /** The reigns before it, newest first. */
  readonly pastReigns: readonly Reign[];
  /**
   * Which members' flushes and pledges count. More than one entry while a
   * change is under way: the primary works towards the last one, and a
   * promotion must satisfy every one.
   */
  readonly rules: readonly Rule[];
  /** Counts the changes of `rules`: a confirmation of an earlier one says nothing about a rule that has come back. */
  readonly ruleChanges: number;
  /** The change of reign under way. */
  readonly intent: Intent | null;
  readonly nodes: readonly NodeEntry[];
  readonly nextNodeId: NodeId;
  /** The least timeline that the next reign may have; no number is given twice, nor one that a promotion by hand takes (I10). */
  readonly nextTimeline: number;
  readonly settings: GroupSettings;
  /** The move into another home that is under way here, or has been done. */
  readonly move?: Move | undefined;
}

/** See `move-record.ts`. */
export interface Move {
  /** `announced`: the keepers try the new home, and all goes on here; `moved`: the new home is the truth. */
  readonly stage: 'announced' | 'moved';
  /** The URI of the new home. No secret is in it. */
  readonly to: string;
  /** Random: what the record's home is known by there. */
  readonly incarnation: string;
  /** That somebody with the token of the formation asked for it; null: a monitor, which has let in nobody else. */
  readonly proof: string | null;
  readonly because: string;
}

/**
 * Which stores a record has lived in, and who has written it there. A store can
 * be lost, rebuilt, or restored from a copy of last week; its version numbers
 * alone would not show it. From this, two versions of a record are known to be
 * of one line, or not.
 */
export interface RecordHome {
  /** Random ids, oldest first: the store that the group was made in, and one for each recovery. */
  readonly incarnations: readonly string[];
  /** Who has written in the present incarnation, oldest first; as many as are remembered. */
  readonly writers: readonly RecordWriter[];
  /** Where other lines of recoveries had come to that a later one has put an end to. */
  readonly superseded?: readonly string[];
}

export interface RecordWriter {
  /** Random, drawn by each process that decides. A copy of a store that is started is another writer. */
  readonly id: string;
  /** The version that its first change was made to: later ones are its own, up to the next writer. */
  readonly after: number;
}

/** The baton in one term: who held it, and where its history left the one before. */
export interface Reign {
  readonly term: number;
  readonly holder: NodeId;
  /** The timeline reserved for this reign. The first reign keeps the timeline of the data that it found. */
  readonly timeline: number;
  /** The WAL that the holder had pledged when it was elected; null in the first reign. Who has no more may follow at once. */
  readonly basis: Lineage | null;
  /** The timelines before it, oldest first, as PostgreSQL wrote them; null until the holder has reported its promotion. */
  readonly history: readonly TimelineSwitch[] | null;
  /** Its marker commit was acknowledged by the voters: from then on it serves clients. */
  readonly confirmed: boolean;
  /** How often the holder was told to restart PostgreSQL in place after a crash. */
  readonly restarts: number;
  readonly cause: ReignCause;
  readonly because: string;
  /** The holder before has not pledged, and its lease had ended: it is promoted only when a confirmation by its own WAL has run out too. */
  readonly fencedBy?: 'lease';
  /** Begun without proof that it has every commit, and how much of the WAL that was known of it lacks, bytes; null: nobody knows. */
  readonly mayLackBytes?: number | null;
}

export type ReignCause = 'first' | 'switchover' | 'crash' | 'lost' | 'forced';

/** A commit stands on k + 1 members of the cohort, the holder among them. */
export interface Rule {
  /** Ids, ascending; the holder is one of them. */
  readonly cohort: readonly NodeId[];
  /** How many voters must have flushed a commit before it is acknowledged. */
  readonly k: number;
}

/** A change of reign that has been decided on and not been finished. */
export interface Intent {
  /** `handover`: asked for, the holder cooperates; `failover`: the holder is dead or lost. */
  readonly kind: 'handover' | 'failover';
  readonly term: number;
  /**
   * `drain`: the holder checkpoints and stops, its standbys still receive.
   * `elect`: every member of the cohort pledges the term.
   * `fetch`: the preferred candidate lacks WAL and fetches it from `fetch.source`.
   */
  readonly stage: 'drain' | 'elect' | 'fetch';
  /** The holder that leaves or is given up. */
  readonly from: NodeId;
  /** The node asked for; null: the best one. */
  readonly target: NodeId | null;
  /** The end of WAL of a holder that stopped cleanly: the target pledges when it has all of it. */
  readonly cleanEnd: Position | null;
  readonly fetch: Fetch | null;
  readonly cause: ReignCause;
  readonly because: string;
  /** A person accepted that commits of members that can't be asked may be lost. */
  readonly allowDataLoss: boolean;
}

export interface Fetch {
  readonly candidate: NodeId;
  readonly source: NodeId;
  readonly upTo: Position;
}

/** The end of a node's durable WAL. Timelines are unique to reigns, so timeline and LSN order positions. */
export interface Position {
  readonly timeline: number;
  readonly lsn: Lsn;
}

export interface NodeEntry {
  readonly id: NodeId;
  /** Unique in the formation. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Where its keeper listens, if the keepers of the group decide themselves. */
  readonly keeperPort?: number | undefined;
  /** 0 to 100; 0: never promoted. */
  readonly candidatePriority: number;
  /** Whether the node may be a voter. */
  readonly replicationQuorum: boolean;
  /** false until it is a voter for the first time; absent in records that were written before this was noted. */
  readonly hasVoted?: boolean;
  /** A person asked to leave this node alone. */
  readonly maintenance: boolean;
  /** A person asked to remove it: it goes when it has left the cohort and, unless forced, has stopped. */
  readonly dropping: 'no' | 'asked' | 'forced';
}

/** Settings of the group that people change with `set formation` and `edit-config`. */
export interface GroupSettings {
  /** The database named in connection strings. */
  readonly dbname: string;
  /** null: 1 as soon as two standbys take part in the quorum, else 0. 0 lets a primary go on alone. */
  readonly numberSyncStandbys: number | null;
  /** How long the holder's keeper and its replication must be silent before it counts as lost, ms. */
  readonly detectionMs: number;
  /** How often a keeper reports when nothing changes, ms. */
  readonly heartbeatMs: number;
  /** How long a voter may stay away before the cohort goes on without it, ms. */
  readonly absentMs: number;
  /** How far behind, in bytes, a standby may be when it becomes a voter. */
  readonly admissionLagBytes: number;
  /** How long a switchover may take to stop the old primary before it is undone, ms. */
  readonly handoverMs: number;
  /**
   * How long a primary may leave its keeper without an answer where it is not
   * plain that it hangs, because something still streams from it, or where
   * nobody can take over, ms.
   */
  readonly hangMs: number;
  /** What a crash or a hang of the primary's PostgreSQL leads to while a candidate is ready. */
  readonly onCrash: 'failover' | 'restart';
  /** How many failovers for crashes are done within {@link crashWindowMs} before crashes are restarted in place. */
  readonly crashFailovers: number;
  readonly crashWindowMs: number;
  /** Whether a fencer beside each primary ends it when its keeper hangs and another reign may have begun. */
  readonly fencing: 'off' | 'on';
  /** Automatic failover is switched off; everything else goes on. */
  readonly paused: boolean;
  /** `async`: commits wait for nobody. What keeps a second primary away is the lease of the first, and not a quorum. */
  readonly durability: 'quorum' | 'async';
  /** How much of the old primary's last known WAL the next one may lack after an automatic failover of an async group, bytes. */
  readonly maximumLagOnFailover: number;
  /** `strict`: a primary that can't prove that it holds the baton is closed, for readers too, before another one begins. */
  readonly reads: 'fast' | 'strict';
  /** How long a lease lasts, ms. A primary that could not renew it is ended when a third of it is left. */
  readonly leaseMs: number;
}

export const DEFAULT_SETTINGS: GroupSettings = {
  dbname: 'postgres',
  numberSyncStandbys: null,
  detectionMs: 3_000,
  heartbeatMs: 500,
  absentMs: 300_000,
  admissionLagBytes: 16 * 1024 * 1024,
  handoverMs: 30_000,
  hangMs: 15_000,
  onCrash: 'failover',
  crashFailovers: 2,
  crashWindowMs: 600_000,
  fencing: 'off',
  paused: false,
  durability: 'quorum',
  maximumLagOnFailover: 1024 * 1024,
  reads: 'fast',
  leaseMs: 6_000,
};

/** The record of a group that nobody has joined, in a store of this incarnation. */
export function emptyRecord(
  formation: string,
  group: number,
  settings: GroupSettings,
  incarnation = '',
): GroupRecord {
  return {
    schemaVersion: 1,
    home: { incarnations: [incarnation], writers: [] },
    formation,
    group,
    systemIdentifier: null,
    term: 0,
    reign: null,
    pastReigns: [],
    rules: [],
    ruleChanges: 0,
    intent: null,
    nodes: [],
    nextNodeId: 1,
    nextTimeline: 1,
    settings,
  };
}

export function findNode(record: GroupRecord, id: NodeId): NodeEntry | undefined {
  return record.nodes.find((node) => node.id === id);
}

/**
 * Whether a record has given out the number of a node. One that has not says
 * nothing to it: it is older than the node, or of a store that was lost and has
 * begun anew.
 */
export function hasKnown(record: GroupRecord, id: NodeId): boolean {
  return id < record.nextNodeId;
}

/** A node as people call it in sentences: its name in quotes. */
export function nameOf(record: GroupRecord, id: NodeId): string {
  return `"${findNode(record, id)?.name ?? `node ${id}`}"`;
}

/** The rule that the primary's settings aim at: the newer one while a change is under way. */
export function currentRule(record: GroupRecord): Rule | undefined {
  return record.rules.at(-1);
}

/** The members that count under any rule in force. */
export function cohortMembers(record: GroupRecord): readonly NodeId[] {
  if (record.rules.length === 1) return record.rules[0]!.cohort;
  return [...new Set(record.rules.flatMap(({ cohort }) => cohort))].sort((a, b) => a - b);
}
