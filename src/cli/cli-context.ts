import type { MonitorClient } from '../api/client.ts';
import type { MonitorEndpoint } from '../api/transport.ts';
import type { CliServices } from './cli-services.ts';

/**
 * All that a command may touch of the world. Commands use nothing global, so
 * tests run them with what they like.
 */
export interface CliContext {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly cwd: string;
  /** How this `pgbaton` is started: an absolute path. */
  readonly program: string;
  /** `user@host`: who asks, for the history of the group. */
  readonly operator: string;
  readonly hostname: string;
  readonly clock: CliClock;
  /** The person's terminal; undefined when input or output is not one. */
  readonly terminal: Terminal | undefined;
  /** Calls back on each such signal until the returned function is called. */
  onSignal(signal: NodeJS.Signals, listener: () => void): () => void;
  /** Asks the person for a line; undefined when there is nobody to ask. */
  ask(question: string): Promise<string | undefined>;
  /** Connects to nothing yet. Loaded on demand: a help text needs no HTTP. */
  createClient(endpoint: MonitorEndpoint, token: string | undefined): Promise<MonitorClient>;
  readonly services: CliServices;
}

export interface TextOutput {
  write(text: string): void;
  /** A terminal, which can show progress in place. */
  readonly isTerminal: boolean;
}

export interface CliClock {
  /** Wall clock, for people only. */
  now(): Date;
  /** To measure with, ms. */
  monotonicMs(): number;
}

/** A terminal that can be drawn on and typed at. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
  /** Keys arrive one by one and are not echoed until the returned function is called. */
  onKey(listener: (key: string) => void): () => void;
  onResize(listener: () => void): () => void;
  /** Calls back when the process ends in whatever way, until the returned function is called. */
  onExit(listener: () => void): () => void;
}
