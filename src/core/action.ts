import type { ConfirmedRule, Pledge, PostgresReport } from './evidence.ts';
import type { NodeId, Rule } from './group-record.ts';
import type { ServerSettings, UpstreamNode } from './server-settings.ts';

/** What a keeper knows of its own node. Ages are measured by the keeper, ms. */
export interface LocalView {
  readonly node: NodeId;
  readonly postgres: PostgresReport;
  /** The value of synchronous_standby_names that the server uses; null when it does not run. */
  readonly synchronousStandbyNames: string | null;
  /** Durable: the highest term promised. */
  readonly pledge: Pledge | null;
  /** Durable: the last term in which this node began to be the primary. */
  readonly promotedTerm: number | null;
  /** Durable: the term whose marker was acknowledged; cleared before every start and promotion. */
  readonly servingTerm: number | null;
  readonly restartsUsed: number;
  /**
   * Durable: the term whose holder the data were copied or rewound from, until
   * they have become consistent; null: they are a server's own.
   */
  readonly copyOf: number | null;
  /** The timeline that a stopped or crashed server would go on with if it were started as a primary; null when not known. */
  readonly diskTimeline: number | null;
  /** What was last configured by this keeper; null after its own restart. */
  readonly configured: ServerSettings | null;
  /** The rule that was last brought into force by this keeper, and in which term. */
  readonly appliedRule: ConfirmedRule | null;
  /** The members whose slots were last seen to. */
  readonly slotsFor: readonly NodeId[] | null;
  /** The term for whose handover the checkpoints have been taken. */
  readonly checkpointedFor: number | null;
  /** A marker of this term is on its way and waits for the voters. */
  readonly markerUnderWay: number | null;
  /** The marker of this term has been acknowledged since this keeper started. */
  readonly markerAcknowledged: number | null;
  /** How long PostgreSQL has not answered; 0 while it does. */
  readonly unansweredMs: number;
  /** Since the store was last heard. */
  readonly storeSilentMs: number;
  /** How late the keeper's own timers ran lately: one that stood still was not there to hear the store. */
  readonly keeperLagMs: number;
  /** Since this primary last had enough voters streaming in its term. */
  readonly quorumSilentMs: number;
  /** For how long the store, or every member of the cohort, lets nobody be promoted beside this node; below 0: not any more. */
  readonly leaseLeftMs: number;
  /** How long a keeper that has just started, or has just learned that a lease is needed, may still go without, ms. */
  readonly leaseGraceMs: number;
  /** Since the members were last asked to confirm it; infinite: not in this term. */
  readonly membersAskedMs: number;
  /** For how long no WAL has come in: whoever it came from has had no confirmation since. */
  readonly walStillMs: number;
  /** Since the present intent was first seen in its present stage. */
  readonly intentAgeMs: number;
}

/** One thing for a keeper to do next. */
export type Action =
  | { readonly kind: 'initialise' }
  | { readonly kind: 'adopt'; readonly term: number }
  | {
      readonly kind: 'start_primary';
      readonly term: number;
      readonly restarts: number;
      readonly settings: ServerSettings;
    }
  | { readonly kind: 'start_standby'; readonly settings: ServerSettings }
  | { readonly kind: 'stop'; readonly mode: 'fast' | 'immediate' }
  | { readonly kind: 'checkpoint'; readonly term: number }
  | { readonly kind: 'hand_over'; readonly term: number; readonly settings: ServerSettings }
  | { readonly kind: 'pledge'; readonly term: number; readonly settings: ServerSettings }
  | { readonly kind: 'configure'; readonly settings: ServerSettings }
  | {
      readonly kind: 'promote';
      readonly term: number;
      readonly timeline: number;
      readonly settings: ServerSettings;
      /** The first commit of the term may follow at once: the group knows the timeline that it stands on. */
      readonly withMarker: boolean;
    }
  | {
      readonly kind: 'apply_rule';
      readonly term: number;
      readonly rule: Rule;
      readonly change: number;
      readonly names: string;
    }
  /** A record in the WAL that every member flushes lets the primary go on without the store. */
  | { readonly kind: 'ask_members'; readonly term: number }
  | { readonly kind: 'write_marker'; readonly term: number }
  | { readonly kind: 'open'; readonly term: number; readonly settings: ServerSettings }
  | { readonly kind: 'maintain_slots'; readonly nodes: readonly NodeId[] }
  | { readonly kind: 'clone'; readonly source: UpstreamNode }
  | { readonly kind: 'rewind'; readonly source: UpstreamNode }
  | { readonly kind: 'leave' };

/** Every kind of action: one that is added and not listed here does not compile. */
export const ACTION_KINDS: Readonly<Record<Action['kind'], true>> = {
  initialise: true,
  adopt: true,
  start_primary: true,
  start_standby: true,
  stop: true,
  checkpoint: true,
  hand_over: true,
  pledge: true,
  configure: true,
  promote: true,
  apply_rule: true,
  ask_members: true,
  write_marker: true,
  open: true,
  maintain_slots: true,
  clone: true,
  rewind: true,
  leave: true,
};

export interface Step {
  readonly action: Action;
  /** A sentence for the log. */
  readonly because: string;
}

/** Nothing to do now, and what that waits for when it waits. */
export interface Rest {
  readonly action: null;
  readonly because: string | null;
}

/** A step with its reason. */
export function step(action: Action, because: string): Step {
  return { action, because };
}

/** Nothing to do now; with what is waited for. */
export function rest(because: string | null): Rest {
  return { action: null, because };
}
