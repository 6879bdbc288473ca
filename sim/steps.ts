import type { NodeId } from '../src/core/group-record.ts';
import type { JournalEntry } from '../src/keeper/journal.ts';
import type { NodeState } from '../src/keeper/node-state.ts';
import type { VirtualPostgres } from './virtual-postgres.ts';
import type { World } from './world.ts';

/**
 * What a keeper does, as generators: each `yield` is a place at which virtual time passes and the keeper may be killed.
 */
export type Steps<T = void> = Generator<Pause, T, undefined>;

/** Milliseconds to sleep; or how long to wait for the alarm at most. */
export type Pause = number | { readonly alarmMs: number };

export interface ActionContext {
  readonly world: World;
  readonly node: NodeId;
  readonly server: VirtualPostgres;
  readonly state: NodeState;
  readonly journal: VirtualJournal;
  /** Kills the keeper here, if chance wants it. */
  passCrashPoint(): Steps;
  /** The keeper's own clock. */
  nowMs(): number;
  wake(): void;
  report(): void;
}

export interface VirtualJournal {
  readonly entry: JournalEntry;
  write(change: Partial<JournalEntry>): Steps;
}

/** A step that can't be done now; it is planned anew. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}
