import type { Evidence } from '../core/evidence.ts';
import { findNode, type GroupRecord, type NodeId } from '../core/group-record.ts';
import { gone, hasMoved } from '../core/move-record.ts';
import type { Accepted, Answer } from '../core/requests.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { plainEvent, type NewEvent } from './group-events.ts';
import type { RecordCell, StoredRecord } from './record-cell.ts';
import { refusalError } from './refusal-error.ts';
import type { StoreDoubt } from './store-doubt.ts';

export interface GroupRequest<A extends Answer> {
  readonly ask: (record: GroupRecord, evidence: Evidence) => A;
  readonly dryRun: boolean;
  /** The node that the event is about. */
  readonly about?: (answer: A) => NodeId | undefined;
}

/** `before`: what has to stand in the store when the record does. */
export interface HomeChange {
  readonly dryRun: boolean;
  readonly before: () => Promise<void>;
}

export interface RequestOutcome<A extends Answer> extends StoredRecord {
  readonly answer: Extract<A, { kind: 'accepted' }>;
}

/** Asks what people want of the present record, and swaps in the answer. One at a time. */
export interface GroupRequests {
  /** Throws the refusal. */
  ask<A extends Answer>(request: GroupRequest<A>): Promise<RequestOutcome<A>>;
  /** The same for a record from elsewhere: what the one here is, and who speaks against it, does not matter. */
  changeHome(ask: () => Answer, how: HomeChange): Promise<RequestOutcome<Answer>>;
}

export interface GroupRequestsDeps {
  readonly log: Logger;
  readonly cell: RecordCell;
  readonly doubt: StoreDoubt;
  readonly evidence: () => Evidence;
  /** false: somebody else was faster. */
  readonly swap: (next: GroupRecord, why: NewEvent) => Promise<boolean>;
  /** Decides what follows. */
  readonly settle: () => Promise<void>;
}

/** How often a request is tried again when somebody else has changed the record. */
const ATTEMPTS = 5;

export function createGroupRequests(deps: GroupRequestsDeps): GroupRequests {
  const { log, cell, doubt, evidence, swap } = deps;
  const current = (): GroupRecord => cell.current().record;

  async function ask<A extends Answer>(asked: GroupRequest<A>): Promise<RequestOutcome<A>> {
    await cell.refresh();
    if (doubt.contradiction() !== undefined) await doubt.lookInto();
    doubt.refuse();
    if (hasMoved(current())) throw refusalError(gone(current()));
    return change(asked);
  }

  async function change<A extends Answer>({
    ask,
    dryRun,
    about,
  }: GroupRequest<A>): Promise<RequestOutcome<A>> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const answer = ask(current(), evidence());
      if (answer.kind === 'refused') throw refusalError(answer);
      const accepted = answer as RequestOutcome<A>['answer'] & Accepted;
      if (dryRun || accepted.next === current()) return { answer: accepted, ...cell.current() };
      const id = about?.(answer);
      const node = id === undefined ? undefined : (findNode(accepted.next, id) ?? findNode(current(), id));
      if (!(await swap(accepted.next, plainEvent('operator', accepted.next, accepted.because, node))))
        continue;
      const outcome = { answer: accepted, ...cell.current() };
      const { formation, group } = outcome.record;
      log.info({ formation, group, version: outcome.version }, accepted.because);
      await deps.settle();
      return outcome;
    }
    throw new BatonError(
      'BATON_GROUP_BUSY',
      `the record of group ${current().group} changed ${ATTEMPTS} times meanwhile`,
      { hint: 'Try again.' },
    );
  }

  return {
    ask,
    async changeHome(ask, how) {
      await cell.read();
      const first = ask();
      if (first.kind === 'accepted' && !how.dryRun) await how.before();
      return change({ ask, dryRun: how.dryRun });
    },
  };
}
