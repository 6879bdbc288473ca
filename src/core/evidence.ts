import type { Lsn } from './lsn.ts';
import type { GroupRecord, NodeId, Position, Rule } from './group-record.ts';
import type { TimelineSwitch } from './lineage.ts';
import type { Contradiction, RecordOrigin, RecordStamp } from './record-home.ts';

/** What a decider knows now. Every time is an age that the decider measured on its own monotonic clock. */
export interface Evidence {
  readonly reports: readonly AgedReport[];
  /** How late the decider's own timers ran lately, ms: a decider that lags accuses nobody. */
  readonly deciderLagMs: number;
  /** How long the decider has seen the present intent in its present stage, ms; 0 without an intent. */
  readonly intentAgeMs: number;
  /** For how long the decider has been listening, since its start or since it could hear nobody: silence before that proves nothing, ms. */
  readonly deciderAgeMs: number;
  /** How many reigns that began because of a crash the decider saw begin within the crash window. */
  readonly recentCrashFailovers: number;
  /**
   * For each node, how long ago the decider last saw it stream from the holder
   * in the present term (by the holder's own followers), ms; since the decider
   * started when it never did. The holder itself is not in it.
   */
  readonly notStreaming: readonly Absence[];
  /** Who has a lease in the store, looked up where that matters; absent: nobody has looked. */
  readonly lease?: LeaseSeen;
  /** The end of WAL that the holder last told as the primary of the present term; absent: this decider never heard it. */
  readonly lastKnownEnd?: Position | undefined;
  /** A node has a record that does not fit the decider's: its store was restored from an old copy, or has lost the group. */
  readonly contradiction?: Contradiction;
}

/** The term that the lease in the store is for; null: nobody has one. */
export interface LeaseSeen {
  readonly term: number | null;
  /** How long the decider has known this very store: what was leased in one before it is not in it, ms. */
  readonly storeAgeMs: number;
}

export interface Absence {
  readonly node: NodeId;
  readonly ageMs: number;
  /** It had left its walsender's question without an answer when it was last seen, rather than hung up. */
  readonly fellSilent: boolean;
}

export interface AgedReport {
  readonly report: Report;
  /** Since the report arrived, ms. */
  readonly ageMs: number;
}

/** What a keeper tells of itself and its PostgreSQL, at once when something changes and at every heartbeat. */
export interface Report {
  readonly node: NodeId;
  /** Greater at each start of the keeper, so that a report that was held up is known to be old. */
  readonly session: number;
  /** Grows by one with each report of a session. */
  readonly sequence: number;
  /** The version of the record that the keeper acts on. */
  readonly recordVersion: number;
  /** Where that record comes from; absent: it has none yet. */
  readonly recordOrigin?: RecordOrigin | undefined;
  readonly postgres: PostgresReport;
  /** How long PostgreSQL has not answered, as far as the keeper's own looks show it, ms; 0 while it answers. */
  readonly unansweredMs: number;
  /** The highest term that the node has durably promised, with its position then. */
  readonly pledge: Pledge | null;
  /** The last term in which this node began to be the primary, by promotion or first start; null: never. */
  readonly promotedTerm: number | null;
  /** How many of the reign's permissions to restart PostgreSQL in place were used. */
  readonly restartsUsed: number;
  /** The term in which this node is open to clients as the primary: its marker is acknowledged. */
  readonly servingTerm: number | null;
  /** The rule whose settings are proven to be in force on this primary, its safe LSN flushed by k voters. */
  readonly confirmedRule: ConfirmedRule | null;
  /** It asks the store for the lease of this term, or to renew it; absent: it needs none. */
  readonly leaseFor?: number | undefined;
  /** Why this node must not become the primary, in words; null: it may, as far as it knows. */
  readonly unfit: string | null;
  /** Whether the node can use the home that the record is to move to; absent: no move is announced to it. */
  readonly readiness?: Readiness | undefined;
  /** What the keeper is doing now, in words: `base backup, 43 % of 3.1 GB`. */
  readonly activity: string | null;
  /** What keeps the keeper from going on, in words, with the way out. */
  readonly problem: string | null;
}

/** What a keeper has found out about a home that is announced. The record that announces it is on its disk. */
export interface Readiness {
  /** That of the move. */
  readonly incarnation: string;
  /** Where it will listen for the other keepers; null: not needed there. */
  readonly keeperPort: number | null;
  /** What keeps it from reading or writing there, in words; null: nothing. */
  readonly problem: string | null;
}

export interface ConfirmedRule extends Rule {
  readonly term: number;
  /** Which change of the record's rules it carries out: the same rule may come and go (see `ruleChanges`). */
  readonly change: number;
}

export interface Pledge {
  readonly term: number;
  readonly position: Position;
  /** The timelines that its WAL went through, oldest first, the present one excluded. */
  readonly history: readonly TimelineSwitch[];
}

/**
 * `absent`: no data directory; `incomplete`: a base backup or rewind is
 * unfinished; `stopped`: a clean shutdown; `unresponsive`: it runs and answers
 * nothing, or (with its role) the sessions that it has and no new ones.
 */
export type PostgresStatus =
  'absent' | 'incomplete' | 'stopped' | 'crashed' | 'starting' | 'running' | 'unresponsive';

export interface PostgresReport {
  readonly status: PostgresStatus;
  readonly systemIdentifier: string | null;
  /** As in `server_version_num`, 150018 for 15.18; null when not known. */
  readonly serverVersion: number | null;
  /** null when it does not run. */
  readonly role: 'primary' | 'standby' | null;
  /** The end of its WAL: insert position of a primary, received or replayed of a standby, checkpoint when stopped. */
  readonly position: Position | null;
  /** Timelines before the present one, oldest first. */
  readonly history: readonly TimelineSwitch[];
  /** The term of the last marker in its WAL; null when there is none or it can't be read. */
  readonly markerTerm: number | null;
  /** What a standby receives from; null when it is not receiving. */
  readonly upstream: Upstream | null;
  /** Who receives from this server, by its own pg_stat_replication. */
  readonly followers: readonly Follower[];
}

export interface Upstream {
  /** The node and term of the application name that the walreceiver uses. */
  readonly term: number;
  readonly host: string;
  readonly port: number;
  /** Since the last message from the upstream, ms, measured on the standby. */
  readonly silentMs: number;
}

export interface Follower {
  readonly node: NodeId;
  readonly term: number;
  readonly state: 'startup' | 'catchup' | 'streaming' | 'backup' | 'stopping';
  readonly flushLsn: Lsn | null;
  readonly replayLsn: Lsn | null;
  /** The walsender's own view of synchronous_standby_names: above 0 when its flushes count. */
  readonly syncPriority: number;
  /** Since the last message from the standby, ms, measured on this server. */
  readonly silentMs: number;
}

/** Whether a server has the data of another system (I11): all that it says of its WAL means nothing to the group then. */
export function isForeign(
  group: Pick<GroupRecord, 'systemIdentifier'>,
  { systemIdentifier }: Pick<PostgresReport, 'systemIdentifier'>,
): boolean {
  return (
    systemIdentifier !== null &&
    group.systemIdentifier !== null &&
    systemIdentifier !== group.systemIdentifier
  );
}

/** The newest report of a node, with its age; undefined when it never reported to this decider. */
export function reportOf(evidence: Evidence, node: NodeId): AgedReport | undefined {
  return evidence.reports.find((aged) => aged.report.node === node);
}

/** The version of the record that the sender of a report acts on; null: it has none yet. */
export function stampOfReport({ recordVersion, recordOrigin }: Report): RecordStamp | null {
  return recordOrigin === undefined ? null : { ...recordOrigin, version: recordVersion };
}
