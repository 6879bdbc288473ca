import type { PostgresReport } from '../core/evidence.ts';
import type { Lineage } from '../core/lineage.ts';
import type { NodeId, Position } from '../core/group-record.ts';

/**
 * One PostgreSQL server and its data directory. Knows no group and decides
 * nothing: the keeper tells it what to do, one call at a time.
 *
 * Every call has a deadline and throws a BatonError when it passes. Nothing
 * here touches the data directory from the event loop: see `system/disk.ts`.
 */
export interface PostgresServer {
  /** What the server is now. Never throws for a server that is down, starting, full or hung: that is an answer. */
  observe(call: Deadline): Promise<ServerObservation>;

  /**
   * Calls back as soon as something is seen to change: the held session ends
   * (PostgreSQL died or stopped), or the postmaster's pid goes. At most a few
   * ms late for a killed server. The caller then observes.
   */
  onChange(listener: () => void): void;

  /** Runs initdb and makes the roles, the `pgbaton` schema and the included settings file; leaves it stopped. */
  initialise(call: Deadline): Promise<void>;

  /**
   * Takes over a data directory that PostgreSQL already uses, stopped or
   * running, without a restart where its settings allow: roles, schema,
   * include line, HBA. Throws BATON_DATA_DIRECTORY naming each setting that
   * needs a restart.
   */
  adopt(call: Deadline): Promise<void>;

  /**
   * Writes the managed settings and HBA entries, reloads a running server, and
   * returns when its sessions show them. Cheap when nothing differs. Without a
   * data directory the settings are kept for later. `synchronousStandbyNames`
   * of a running primary are left as they are: changing them takes barriers,
   * see {@link applySynchronousStandbys}. Throws BATON_CONFIG_INVALID when
   * PostgreSQL refuses its configuration files.
   */
  configure(settings: ManagedSettings, call: Deadline): Promise<void>;

  /** Writes the settings that the next start is to find, whoever starts it; the postmaster may still be on its way out. */
  configureNextStart(settings: ManagedSettings, call: Deadline): Promise<void>;

  /**
   * Starts the server with the settings last configured, and returns when it
   * accepts connections. Ends orphans of an earlier postmaster first.
   * `standby.signal` lies in the data directory in both roles whenever the
   * server is not being started as a primary by pgbaton: a server started by
   * hand comes up as a standby. A primary whose data pgbaton has never served
   * gets its roles and schema. Throws BATON_SYSTEM_IDENTIFIER when the data are
   * not of `system`, where that is known, and BATON_TIMEOUT when it takes
   * longer; the server then goes on starting.
   */
  start(role: 'primary' | 'standby', call: Deadline, system?: string | null): Promise<void>;

  /**
   * Stops the server and its orphans; returns when no process of it is left.
   * Stopping a stopped server is no error. When two thirds of the time are
   * over, harder ways are taken, and it may end as a crash.
   */
  stop(mode: 'fast' | 'immediate', call: Deadline): Promise<void>;

  /**
   * Fast shutdown for a handover: returns as soon as pg_control says "shut
   * down", with the end of its WAL (behind the shutdown checkpoint record). The
   * postmaster may still be on its way out.
   */
  shutDownForHandover(call: Deadline): Promise<Position>;

  /**
   * Stops receiving for good: the settings without an upstream must be
   * configured before. Ends the walreceiver, waits until none is left and
   * none is being forked, and returns the end of its durable WAL, which can no
   * longer grow.
   */
  cutUpstream(call: Deadline): Promise<Lineage>;

  /** The end of WAL of a stopped, cleanly shut down server. */
  stoppedLineage(call: Deadline): Promise<Lineage>;

  /**
   * Promotes a standby without waiting for a checkpoint and returns when it is
   * out of recovery, on `timeline` (placeholder history files steer the number
   * when an earlier promotion has used it). Returns what it really got. Beside
   * that, settings are brought into force, those given or those last
   * configured, with the standby names that they ask for. `onPromoted` is
   * called when both are done and the marker can be written: some files are
   * still put in order then, and the settings for when the marker is
   * acknowledged are written and not brought into force.
   */
  promote(
    timeline: number,
    call: Deadline,
    options?: {
      readonly settings?: ManagedSettings;
      readonly settingsBehindMarker?: ManagedSettings | undefined;
      readonly onPromoted?: () => void;
    },
  ): Promise<Lineage>;

  /**
   * Brings `synchronous_standby_names` into force, with the barriers that make
   * it certain: after it returns, no commit that starts is acknowledged by the
   * names before. Returns the safe LSN: all that may have been acknowledged
   * under the old names lies before it.
   */
  applySynchronousStandbys(names: string, call: Deadline): Promise<string>;

  /**
   * Writes the marker of a reign: a commit that waits for the voters. Returns
   * when it is acknowledged. A marker that is there already is waited for
   * again by another commit.
   */
  writeMarker(marker: Marker, call: Deadline): Promise<void>;

  /**
   * Commits a record that says nothing, waits for no standby, and returns where
   * it is in the WAL: who has flushed it was receiving from this server since.
   */
  writeSign(call: Deadline): Promise<string>;

  /** Physical slots for the other members, reserved at once; slots of members that left are dropped. */
  maintainSlots(nodes: readonly NodeId[], call: Deadline): Promise<void>;

  checkpoint(call: Deadline): Promise<void>;

  /**
   * Copies a running server into this data directory, through a directory
   * beside it and a rename. What was there is kept in `lost-found/` unless it
   * is empty. Half-done work of an earlier attempt is removed first.
   */
  clone(source: SourceServer, progress: (text: string) => void, call: Deadline): Promise<void>;

  /**
   * Takes back what this server has beyond the source's history with
   * pg_rewind; the discarded WAL is kept in `lost-found/` with a report. A
   * sentinel lies in the state directory while the data are not whole. A server
   * that crashed is recovered first, as a standby, and is stopped cleanly
   * afterwards whatever the outcome. `onRewound` is waited for when the data
   * are the source's, before anybody may take them for whole.
   */
  rewind(
    source: SourceServer,
    progress: (text: string) => void,
    call: Deadline,
    onRewound?: () => Promise<void>,
  ): Promise<RewindOutcome>;

  /** Removes the data directory. */
  destroy(call: Deadline): Promise<void>;

  /** Ends the held sessions; the server itself is left alone. */
  close(): Promise<void>;
}

export interface Deadline {
  readonly timeoutMs: number;
}

export interface ServerObservation extends PostgresReport {
  readonly pid: number | null;
  /** The values that the server uses now; null when it does not run. */
  readonly synchronousStandbyNames: string | null;
  readonly readOnly: boolean | null;
  /** A standby that would acknowledge commits if it were promoted: somebody has changed its names behind our back. */
  readonly isUnguarded: boolean;
  /** A walreceiver process exists. */
  readonly receiverRunning: boolean;
  /** How many bytes are received and not replayed; 0 on a primary. */
  readonly replayLagBytes: number;
  /**
   * The timeline that crash recovery would end on, by pg_control: a promotion
   * writes it there before its first checkpoint. null while the server runs.
   */
  readonly diskTimeline: number | null;
  /** What a failed start or an unreachable server said last, for people. */
  readonly detail: string | null;
}

export interface ManagedSettings {
  readonly upstream: UpstreamSettings | null;
  readonly synchronousStandbyNames: string;
  /** Sessions start read-only: clients that look for a writable server pass on. */
  readonly readOnly: boolean;
  /** HBA refuses everybody but pgbaton itself. */
  readonly locked: boolean;
  /** Hosts of the other members: they may replicate and rewind. */
  readonly peers: readonly string[];
}

export interface UpstreamSettings {
  readonly host: string;
  readonly port: number;
  /** Goes into application_name as it is. */
  readonly applicationName: string;
  readonly slot: string;
}

export interface SourceServer {
  readonly host: string;
  readonly port: number;
  readonly systemIdentifier: string;
  /** The slot on the source that keeps the WAL which the copy will need. */
  readonly slot: string;
}

export interface Marker {
  readonly term: number;
  readonly node: string;
  readonly timeline: number;
}

export type RewindOutcome =
  | { readonly kind: 'rewound'; readonly report: string }
  /** All of the WAL here is in the source's history, by content as well: the server may follow as it is. */
  | { readonly kind: 'not_needed' }
  /** pg_rewind can't: the caller clones. */
  | { readonly kind: 'impossible'; readonly because: string };
