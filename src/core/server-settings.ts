import type { LocalView } from './action.ts';
import { synchronousStandbyNames } from './application-name.ts';
import { currentRule, findNode, type GroupRecord, type NodeId, type Reign } from './group-record.ts';
import { votersOf } from './quorum.ts';

/** The settings that pgbaton decides on, as values. */
export interface ServerSettings {
  readonly upstream: UpstreamNode | null;
  readonly synchronousStandbyNames: string;
  readonly readOnly: boolean;
  readonly locked: boolean;
  readonly peers: readonly string[];
}

export interface UpstreamNode {
  readonly node: NodeId;
  readonly host: string;
  readonly port: number;
  readonly term: number;
}

/**
 * On a standby this is always in force: a server that somebody promotes by
 * hand can't acknowledge a commit, and at a promotion by pgbaton the
 * checkpointer's flag is up long before, so that no commit slips through.
 */
export const UNSATISFIABLE_NAMES = 'ANY 1 ("pgbaton_nobody@0")';

/** What a primary of this reign runs with; until its marker is acknowledged it keeps clients out. */
export function primarySettings(
  record: GroupRecord,
  reign: Reign,
  local: LocalView,
  isOpen: boolean,
): ServerSettings {
  const rule = currentRule(record) ?? { cohort: [local.node], k: 0 };
  return {
    upstream: null,
    synchronousStandbyNames: synchronousStandbyNames(votersOf(rule, local.node), rule.k, reign.term),
    readOnly: !isOpen,
    // A promoted standby has readers already; a server that crashed must not show what nobody acknowledged (I13).
    locked: !isOpen && (local.configured?.locked ?? true),
    peers: peersOf(record, local),
  };
}

export function standbySettings(
  record: GroupRecord,
  local: LocalView,
  upstream: UpstreamNode | null,
  locked: boolean,
): ServerSettings {
  return {
    upstream,
    synchronousStandbyNames: UNSATISFIABLE_NAMES,
    readOnly: true,
    locked,
    peers: peersOf(record, local),
  };
}

/** A server that was started to have its WAL compared stays locked until it is proven to be on the right history. */
export function isLocked(local: LocalView): boolean {
  return local.configured?.locked ?? false;
}

function peersOf(record: GroupRecord, local: LocalView): readonly string[] {
  const hosts: string[] = [];
  for (const { id, host } of record.nodes) if (id !== local.node && !hosts.includes(host)) hosts.push(host);
  return hosts;
}

export function upstreamOf(record: GroupRecord, node: NodeId, term: number): UpstreamNode {
  const entry = findNode(record, node);
  return { node, host: entry?.host ?? '', port: entry?.port ?? 0, term };
}

export function sameSettings(a: ServerSettings, b: ServerSettings | null): boolean {
  return sameBesidesNames(a, b) && a.synchronousStandbyNames === b?.synchronousStandbyNames;
}

/** The same, whatever stands in `synchronous_standby_names`. */
export function sameBesidesNames(a: ServerSettings, b: ServerSettings | null): boolean {
  return (
    b !== null &&
    a.readOnly === b.readOnly &&
    a.locked === b.locked &&
    sameUpstream(a.upstream, b.upstream) &&
    a.peers.length === b.peers.length &&
    a.peers.every((host, i) => host === b.peers[i])
  );
}

export function sameUpstream(a: UpstreamNode | null, b: UpstreamNode | null): boolean {
  if (a === null || b === null) return a === b;
  return a.node === b.node && a.host === b.host && a.port === b.port && a.term === b.term;
}
