import { BatonError } from '../lib/baton-error.ts';
import type { TimeLimit } from '../system/clock.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Says on disk that the data directory is being made or changed as a whole,
 * and how far that has gone. While it lies there and the data are not whole, no
 * server is started.
 */
export type Sentinel =
  | { readonly work: 'initialise' }
  /** `move_out`: the old content is on its way to `keptIn`; `move_in`: the copy is on its way into its place. */
  | { readonly work: 'clone'; readonly stage: 'move_out' | 'move_in'; readonly keptIn: string }
  /** `recover`: still the old data, whole, perhaps with a server that recovers it; `rewind`: files may be changed. */
  | { readonly work: 'rewind'; readonly stage: 'recover' | 'rewind'; readonly keptIn: string };

/** Whether the data can be used as they are, once no server runs on them. */
export function isWhole(sentinel: Sentinel): boolean {
  return sentinel.work === 'rewind' && sentinel.stage === 'recover';
}

const knownAbsent = new WeakSet<ServerContext>();

/** For the many looks that only report: once it was not there, only this very process can make one. */
export async function seeSentinel(context: ServerContext, limit: TimeLimit): Promise<Sentinel | undefined> {
  return knownAbsent.has(context) ? undefined : readSentinel(context, limit);
}

/** For whoever is about to act on the data. */
export async function readSentinel(context: ServerContext, limit: TimeLimit): Promise<Sentinel | undefined> {
  const text = await context.disk.readText(context.files.sentinel, limit);
  if (text === undefined) {
    knownAbsent.add(context);
    return undefined;
  }
  try {
    return JSON.parse(text) as Sentinel;
  } catch (cause) {
    throw new BatonError('BATON_DATA_DIRECTORY', `"${context.files.sentinel}" can not be understood`, {
      hint: 'It was not written by this version of pgbaton. Rebuild the node.',
      cause,
    });
  }
}

export function writeSentinel(context: ServerContext, sentinel: Sentinel, limit: TimeLimit): Promise<void> {
  knownAbsent.delete(context);
  return context.disk.writeText(context.files.sentinel, `${JSON.stringify(sentinel)}\n`, 0o600, limit);
}

export function removeSentinel(context: ServerContext, limit: TimeLimit): Promise<void> {
  return context.disk.remove(context.files.sentinel, limit);
}
