import type { Replication } from './replication.ts';

/** `synchronous_standby_names` as the walsenders see it. */
export interface StandbyNames {
  readonly text: string;
  readonly k: number;
  readonly tags: ReadonlySet<string>;
}

/** Parses what `synchronousStandbyNames` of the core writes; null: commits do not wait. */
export function parseNames(text: string): StandbyNames | null {
  if (text === '') return null;
  const k = Number(/^ANY (\d+)/.exec(text)?.[1] ?? 1);
  return { text, k, tags: new Set([...text.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '')) };
}

/** How many records k of the named standbys have flushed. */
export function flushedByVoters(senders: ReadonlySet<Replication>, names: StandbyNames): number {
  const best = new Map<string, number>();
  for (const { tag, flushed } of senders) {
    if (names.tags.has(tag)) best.set(tag, Math.max(best.get(tag) ?? 0, flushed));
  }
  return [...best.values()].sort((a, b) => b - a)[names.k - 1] ?? 0;
}
