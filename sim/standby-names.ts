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
  const best: number[] = [];
  for (const tag of names.tags) {
    let most = 0;
    for (const sender of senders) if (sender.tag === tag) most = Math.max(most, sender.flushed);
    best.push(most);
  }
  return best.sort((a, b) => b - a)[names.k - 1] ?? 0;
}
