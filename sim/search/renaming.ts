import type { Action } from '../../src/core/action.ts';
import { parseStandbyTag, synchronousStandbyNames } from '../../src/core/application-name.ts';
import type { Report } from '../../src/core/evidence.ts';
import type { GroupRecord, Intent, NodeId, Reign, Rule } from '../../src/core/group-record.ts';
import {
  UNSATISFIABLE_NAMES,
  type ServerSettings,
  type UpstreamNode,
} from '../../src/core/server-settings.ts';
import { renamed, renamedAll } from './permutations.ts';

/** Every node has the address that its number gives it, so that a renaming is only a matter of numbers. */
export function hostOf(node: NodeId): string {
  return `h${node}`;
}

function renamedHost(host: string, by: number): string {
  const node = Number(host.slice(1));
  return node === 0 ? host : hostOf(renamed(node, by));
}

export function renamedRule<R extends Rule>(rule: R, by: number): R {
  return { ...rule, cohort: renamedAll(rule.cohort, by) };
}

/** `ANY k (…)` taken apart. */
export interface Names {
  readonly k: number;
  readonly voters: readonly NodeId[];
  readonly term: number;
}

const namesByText = new Map<string, Names | null>();

/** What stands in `synchronous_standby_names`; null: commits wait for nobody. */
export function parseNames(text: string): Names | null {
  let names = namesByText.get(text);
  if (names === undefined) namesByText.set(text, (names = takeApart(text)));
  return names;
}

function takeApart(names: string): Names | null {
  if (names === '') return null;
  const tags = [...names.matchAll(/"([^"]+)"/g)].map((match) => parseStandbyTag(match[1] ?? ''));
  const voters = tags.flatMap((tag) => (tag === undefined ? [] : [tag.node]));
  return { k: Number(/^ANY (\d+)/.exec(names)?.[1]), voters, term: tags[0]?.term ?? 0 };
}

function renamedNames(names: string, by: number): string {
  const parsed = names === UNSATISFIABLE_NAMES ? null : parseNames(names);
  return parsed === null
    ? names
    : synchronousStandbyNames(renamedAll(parsed.voters, by), parsed.k, parsed.term);
}

function renamedUpstream(upstream: UpstreamNode, by: number): UpstreamNode {
  return { ...upstream, node: renamed(upstream.node, by), host: renamedHost(upstream.host, by) };
}

export function renamedSettings(settings: ServerSettings, by: number): ServerSettings {
  return {
    ...settings,
    upstream: settings.upstream && renamedUpstream(settings.upstream, by),
    synchronousStandbyNames: renamedNames(settings.synchronousStandbyNames, by),
    peers: settings.peers.map((host) => renamedHost(host, by)).sort(),
  };
}

export function renamedAction(action: Action, by: number): Action {
  return {
    ...action,
    ...('settings' in action ? { settings: renamedSettings(action.settings, by) } : {}),
    ...('source' in action ? { source: renamedUpstream(action.source, by) } : {}),
    ...('rule' in action ? { rule: renamedRule(action.rule, by) } : {}),
    ...('names' in action ? { names: renamedNames(action.names, by) } : {}),
    ...('nodes' in action ? { nodes: renamedAll(action.nodes, by) } : {}),
  } as Action;
}

export function renamedFollowers<F extends { readonly node: NodeId }>(
  followers: readonly F[],
  by: number,
): readonly F[] {
  return followers
    .map((follower) => ({ ...follower, node: renamed(follower.node, by) }))
    .sort((a, b) => a.node - b.node);
}

export function renamedReport(report: Report, by: number): Report {
  const { postgres, confirmedRule } = report;
  const { upstream } = postgres;
  return {
    ...report,
    node: renamed(report.node, by),
    postgres: {
      ...postgres,
      upstream: upstream && { ...upstream, host: renamedHost(upstream.host, by) },
      followers: renamedFollowers(postgres.followers, by),
    },
    confirmedRule: confirmedRule && renamedRule(confirmedRule, by),
  };
}

const renamedReign = (reign: Reign, by: number): Reign => ({ ...reign, holder: renamed(reign.holder, by) });

function renamedIntent(intent: Intent, by: number): Intent {
  const { target, fetch } = intent;
  return {
    ...intent,
    from: renamed(intent.from, by),
    target: target && renamed(target, by),
    fetch: fetch && {
      ...fetch,
      candidate: renamed(fetch.candidate, by),
      source: renamed(fetch.source, by),
    },
  };
}

export function renamedRecord(record: GroupRecord, by: number): GroupRecord {
  const nodes = record.nodes.map((node) => {
    const id = renamed(node.id, by);
    return { ...node, id, name: `n${id}`, host: hostOf(id) };
  });
  return {
    ...record,
    reign: record.reign && renamedReign(record.reign, by),
    pastReigns: record.pastReigns.map((reign) => renamedReign(reign, by)),
    rules: record.rules.map((rule) => renamedRule(rule, by)),
    intent: record.intent && renamedIntent(record.intent, by),
    nodes: nodes.sort((a, b) => a.id - b.id),
  };
}

/** A record without the sentences for people, which no decision reads: with them each would be another. */
export function withoutWords(record: GroupRecord): GroupRecord {
  const silent = <R extends Reign | Intent>(it: R): R => ({ ...it, because: '' });
  return {
    ...record,
    reign: record.reign && silent(record.reign),
    pastReigns: record.pastReigns.map(silent),
    intent: record.intent && silent(record.intent),
  };
}
