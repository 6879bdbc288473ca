import type { Action, LocalView, Step } from './action.ts';
import type { GroupRecord } from './group-record.ts';
import { plan } from './plan.ts';

/**
 * Steps that do nothing but end the server. A server may die at any moment, and
 * everything has to hold then: so a keeper that ends it owes nobody that it
 * remembers why.
 */
const ENDS_ONLY: Readonly<Record<Action['kind'], boolean>> = {
  initialise: false,
  adopt: false,
  start_primary: false,
  start_standby: false,
  stop: true,
  checkpoint: false,
  hand_over: false,
  pledge: false,
  configure: false,
  promote: false,
  apply_rule: false,
  ask_members: false,
  write_marker: false,
  open: false,
  maintain_slots: false,
  clone: false,
  rewind: false,
  leave: true,
};

/**
 * What a keeper does on a record that its disk has not taken; undefined:
 * nothing. A keeper that is killed falls back to the record before, and must
 * not have acted on a later one: it may have let clients in under a rule that
 * it then no longer knows, or have received for a reign that it then takes for
 * none. To end the server is another matter: after it the keeper is where a
 * crash would have left it. It is needed, too: what a superseded primary lets
 * its readers see must not depend on room on its disk (I14).
 */
export function planUnwritten(record: GroupRecord, local: LocalView): Step | undefined {
  const next = plan(record, local);
  return next.action !== null && ENDS_ONLY[next.action.kind] ? next : undefined;
}
