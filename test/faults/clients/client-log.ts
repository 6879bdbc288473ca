import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/**
 * Milliseconds on the machine's one monotonic clock: the times of all processes
 * on it, in whatever namespace, can be compared.
 */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What a client saw. Servers are written as `address:port`. */
export type ClientRecord =
  | Acknowledgement
  /** A write whose fate the client does not know: the connection broke, or no answer came in time. */
  | { readonly kind: 'unknown'; readonly server: string; readonly sentMs: number; readonly atMs: number }
  /** A refusal, by PostgreSQL's code or that of the socket: nothing was written. */
  | { readonly kind: 'error'; readonly server: string; readonly code: string; readonly atMs: number }
  /** The server let a session that insists on it write, by what it says of itself. */
  | { readonly kind: 'open'; readonly server: string; readonly sentMs: number; readonly atMs: number }
  | Append
  | ListRead;

/** A commit that the client was told of. */
export interface Acknowledgement {
  readonly kind: 'acknowledged';
  readonly server: string;
  /** Who wrote it; its ids are its own. */
  readonly writer: string;
  readonly id: number;
  /** On which the server that answered wrote it: each reign has its own, and later ones have higher numbers. */
  readonly timeline: number;
  readonly sentMs: number;
  readonly atMs: number;
}

/** An element that a client was told is at the end of a list. */
export interface Append {
  readonly kind: 'appended';
  readonly server: string;
  readonly key: number;
  readonly element: number;
  readonly atMs: number;
}

/** A list as a client saw it: the beginning of what it saw last time, and what came after that. */
export interface ListRead {
  readonly kind: 'list';
  readonly server: string;
  readonly key: number;
  /** How many elements were the same as the last time. */
  readonly kept: number;
  readonly added: readonly number[];
  readonly atMs: number;
}

/** Writes a record down before the client goes on: killed at any moment, it has told all that it knew. */
export function clientLog(file: string): (record: ClientRecord) => void {
  return (record) => appendFileSync(file, `${JSON.stringify(record)}\n`);
}

/** All that a client has written down; a line that a kill cut off is none. */
export function readClientLog(file: string): readonly ClientRecord[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as ClientRecord);
}
