import type { StreamingQuorum } from '../core/guard-order.ts';

/*
 * What a keeper and its fencer say to each other: a JSON document a line, over
 * the fencer's standard input and output. Nobody else can read a pipe, so the
 * password of the keeper's role may go through it.
 */

/** The first line: where the server is, and what does not change. */
export interface FencerSetup {
  readonly kind: 'setup';
  readonly dataDirectory: string;
  /** The pid of the fencer stands there: a later keeper's fencer takes over from it. */
  readonly pidFile: string;
  readonly access: LocalAccess;
  /** null: without one. */
  readonly watchdog: WatchdogSetup | null;
}

/** How the server is reached from its own machine. */
export interface LocalAccess {
  readonly socketDirectory: string;
  readonly port: number;
  readonly username: string;
  readonly secrets: { readonly keeperPassword: string } | null;
}

export interface WatchdogSetup {
  readonly device: string;
  /** How long after the fencer has begun to end the server it goes on feeding, ms. */
  readonly marginMs: number;
}

/** End the server at a moment, unless the keeper has said something else by then. */
export interface Guard {
  readonly kind: 'guard';
  readonly term: number;
  /** On the machine's monotonic clock, ms; see `machineNow`. */
  readonly untilMs: number;
  /** Not yet even then, as long as each of these quorums streams; null: at once. */
  readonly spare: Spare | null;
}

export interface Spare {
  readonly quorums: readonly StreamingQuorum[];
  /** How long one of them may be missing, ms. */
  readonly patienceMs: number;
}

/** There is nothing to guard: the server may live whatever becomes of the keeper. */
export interface Release {
  readonly kind: 'release';
}

export type FencerOrder = Guard | Release;

/** What a fencer answers: to every order, and when something happens. */
export interface FencerAnswer {
  /** `heard`: the order; `ending`, `ended`: the server; `problem`: something does not work from now on. */
  readonly kind: 'heard' | 'ending' | 'ended' | 'problem';
  /** A sentence for people; with `heard` what does not work now, empty when nothing. */
  readonly because: string;
}

/** One message as a line. */
export function toLine(message: FencerSetup | FencerOrder | FencerAnswer): string {
  return `${JSON.stringify(message)}\n`;
}
