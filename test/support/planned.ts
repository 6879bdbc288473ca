import assert from 'node:assert/strict';
import type { Action, LocalView, Rest, Step } from '../../src/core/action.ts';
import type { Pledge, PostgresReport } from '../../src/core/evidence.ts';
import { plan } from '../../src/core/plan.ts';
import {
  primarySettings,
  standbySettings,
  UNSATISFIABLE_NAMES,
  upstreamOf,
} from '../../src/core/server-settings.ts';
import { aGroup, END_OF_WAL, HISTORY, TERM, TIMELINE, type GroupBuilder } from './a-group.ts';

/** What the rule of the trio is as a setting. */
export const NAMES = `ANY 1 ("pgbaton_2@${TERM}", "pgbaton_3@${TERM}")`;
/** The kinds of action that `planned` has seen. */
export const reached = new Set<string>();

/** What differs from a settled node. */
export interface Changes extends Partial<Omit<LocalView, 'postgres'>> {
  readonly postgres?: Partial<PostgresReport>;
}

/** What a node of the group does next. */
export function planned(group: GroupBuilder, name: string, changes: Changes = {}): Step | Rest {
  const base = group.local(name);
  const { postgres, ...others } = changes;
  const local: LocalView = { ...base, ...others, postgres: { ...base.postgres, ...postgres } };
  const next = plan(group.record(), local);
  if (next.action !== null) reached.add(next.action.kind);
  return next;
}

/** The action, which has to be of that kind. */
export function expectAction<K extends Action['kind']>(
  next: Step | Rest,
  kind: K,
): Extract<Action, { kind: K }> {
  assert.equal(next.action?.kind, kind, next.because ?? '');
  return next.action as Extract<Action, { kind: K }>;
}

/** Nothing is to be done, for that reason. */
export function expectRest(next: Step | Rest, because?: RegExp): void {
  assert.equal(next.action, null, JSON.stringify(next.action));
  if (because !== undefined) assert.match(next.because ?? '', because);
}

/** A primary and two voters. */
export const trio = (): GroupBuilder => aGroup().withPrimary('a').withStandby('b').withStandby('c');
export const crashed = { status: 'crashed', role: null, upstream: null, followers: [] } as const;
export const stopped = { ...crashed, status: 'stopped' } as const;

/** A pledge that proves all WAL of the reign up to a position. */
export function pledge(term: number, lsn: string = END_OF_WAL): Pledge {
  return {
    term,
    position: { timeline: TIMELINE, lsn },
    history: HISTORY,
  };
}

/** What a settled primary of the trio knows of itself. */
export function settledPrimary(group: GroupBuilder): Changes {
  const record = group.record();
  const configured = primarySettings(record, record.reign!, group.local('a'), true);
  return { configured, synchronousStandbyNames: NAMES, slotsFor: [2, 3] };
}

/** What a settled standby that follows in a term knows of itself. */
export function settledStandby(group: GroupBuilder, name: string, term = TERM): Changes {
  const upstream = upstreamOf(group.record(), 1, term);
  const configured = standbySettings(group.record(), group.local(name), upstream, false);
  const slotsFor = group.record().nodes.flatMap((node) => (node.name === name ? [] : [node.id]));
  return { configured, synchronousStandbyNames: UNSATISFIABLE_NAMES, slotsFor };
}
