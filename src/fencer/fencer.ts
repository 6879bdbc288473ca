import { toBatonError } from '../lib/baton-error.ts';
import type { Watchdog } from '../system/watchdog.ts';
import type { FencerAnswer, FencerOrder, Guard, Spare } from './fencer-protocol.ts';

/** What a fencer sees of the server. */
export interface ServerLook {
  /** It is a standby, or lets nobody in because it starts or stops: clients don't take it for a primary. */
  readonly isClosed: boolean;
  /** The application names that stream from it. */
  readonly streaming: readonly string[];
}

export interface FencerDependencies {
  /** The machine's monotonic clock, ms. */
  readonly now: () => number;
  /** Asks the server itself. Throws when it does not answer. */
  look(): Promise<ServerLook>;
  /** It need not be asked again soon. */
  stopLooking(): void;
  /** Whether any process of the server is left. */
  isServerThere(): boolean;
  /** Kills every process of the server; whether none is left. */
  end(): Promise<boolean>;
  /** null: without one. */
  readonly watchdog: { readonly device: Watchdog; readonly marginMs: number } | null;
  answer(answer: FencerAnswer): void;
}

/**
 * Ends a server whose keeper hangs. It knows no group and decides nothing: it
 * carries out what the keeper last ordered when the keeper says nothing more.
 */
export interface Fencer {
  take(order: FencerOrder): void;
  /** The keeper's end of the line is gone: the last order stays in force until there is nothing left to guard. */
  orphan(): void;
  /** Resolves when an orphaned fencer has nothing to do any more. */
  readonly done: Promise<void>;
}

/** How often a fencer looks again while it spares a server, or ends it, ms. */
const AGAIN_MS = 1_000;
const FEED_EVERY_MS = 1_000;

export function createFencer(deps: FencerDependencies): Fencer {
  const { now, watchdog } = deps;
  const done = Promise.withResolvers<void>();
  let guard: Guard | undefined;
  let timer: NodeJS.Timeout | undefined;
  let feeding: NodeJS.Timeout | undefined;
  let missingSinceMs: number | undefined;
  let endingSinceMs: number | undefined;
  let isOrphaned = false;
  /** A fencer that has never been able to look does not take its own blindness for a missing quorum. */
  let canLook = false;
  const problems = { look: '', watchdog: '', end: '' };

  /** Said once; empty: it is over. */
  function note(what: keyof typeof problems, because: string): void {
    if (because !== '' && because !== problems[what]) deps.answer({ kind: 'problem', because });
    problems[what] = because;
  }

  function schedule(present: Guard, inMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void onDue(present), Math.max(0, inMs));
  }

  function rest(): void {
    guard = undefined;
    clearTimeout(timer);
    clearInterval(feeding);
    feeding = undefined;
    useWatchdog((device) => device.disarm());
    deps.stopLooking();
    if (isOrphaned) done.resolve();
  }

  function useWatchdog(use: (device: Watchdog) => void): void {
    if (watchdog === null) return;
    try {
      use(watchdog.device);
      note('watchdog', '');
    } catch (error) {
      note('watchdog', `the watchdog does not work: ${toBatonError(error).message}`);
    }
  }

  function feed(): void {
    const endingMs = endingSinceMs === undefined ? 0 : now() - endingSinceMs;
    // A server that does not end is the kernel's business from then on.
    if (watchdog === null || endingMs > watchdog.marginMs) return;
    useWatchdog((device) => device.feed());
  }

  function armWatchdog(): void {
    if (watchdog === null || feeding !== undefined) return;
    feeding = setInterval(feed, FEED_EVERY_MS);
    feed();
  }

  async function look(): Promise<ServerLook | undefined> {
    try {
      const seen = await deps.look();
      canLook = true;
      note('look', '');
      return seen;
    } catch (error) {
      if (!canLook) note('look', `the fencer can't look at PostgreSQL: ${toBatonError(error).message}`);
      return undefined;
    }
  }

  /** Whether the server is to be left alone for now. */
  async function isSpared({ quorums, patienceMs }: Spare): Promise<boolean> {
    const seen = await look();
    if (!canLook) return true;
    const holds = seen !== undefined && (seen.isClosed || quorums.every((each) => streams(each, seen)));
    if (holds) missingSinceMs = undefined;
    else missingSinceMs ??= now();
    return missingSinceMs === undefined || now() - missingSinceMs < patienceMs;
  }

  async function onDue(due: Guard): Promise<void> {
    if (guard !== due || endingSinceMs !== undefined) return;
    if (!deps.isServerThere()) return rest();
    const spared = due.spare !== null && (await isSpared(due.spare));
    // Renewed or released meanwhile.
    if (guard !== due) return;
    if (spared) schedule(due, AGAIN_MS);
    else await end(due);
  }

  async function end(due: Guard): Promise<void> {
    endingSinceMs = now();
    const why = due.spare === null ? '' : ', and too few standbys stream for its commits to be acknowledged';
    deps.answer({ kind: 'ending', because: `the keeper has been silent too long in term ${due.term}${why}` });
    while (!(await deps.end())) {
      note('end', 'processes of PostgreSQL are left that SIGKILL does not end: they hang in the kernel');
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    endingSinceMs = undefined;
    note('end', '');
    deps.answer({ kind: 'ended', because: 'no process of PostgreSQL is left' });
    rest();
  }

  return {
    done: done.promise,
    take(order) {
      deps.answer({ kind: 'heard', because: problems.end || problems.look || problems.watchdog });
      // What is half killed is not left alive.
      if (endingSinceMs !== undefined) return;
      if (order.kind === 'release') return rest();
      guard = order;
      missingSinceMs = undefined;
      armWatchdog();
      schedule(order, order.untilMs - now());
      if (canLook || order.spare === null) deps.stopLooking();
      else void look();
    },
    orphan() {
      isOrphaned = true;
      if (guard === undefined && endingSinceMs === undefined) done.resolve();
    },
  };
}

function streams({ count, names }: Spare['quorums'][number], { streaming }: ServerLook): boolean {
  return names.filter((name) => streaming.includes(name)).length >= count;
}
