import type { GroupRecord, NodeId } from './group-record.ts';

/** What becomes of something that a person, or a joining keeper, asks for. */
export type Answer = Accepted | Refused;

export interface Accepted {
  readonly kind: 'accepted';
  /** Equal to the record read when there is nothing to change. */
  readonly next: GroupRecord;
  readonly because: string;
  /** What will happen, step by step: what `--dry-run` prints. */
  readonly plan: readonly string[];
}

export interface Refused {
  readonly kind: 'refused';
  readonly code:
    | 'BATON_NODE_NOT_FOUND'
    | 'BATON_NODE_EXISTS'
    | 'BATON_SYSTEM_IDENTIFIER'
    | 'BATON_REFUSED'
    | 'BATON_UNSAFE'
    | 'BATON_GROUP_BUSY';
  readonly message: string;
  readonly hint: string;
}

export function accepted(next: GroupRecord, because: string): Accepted {
  return { kind: 'accepted', next, because, plan: [because] };
}

export function refused(code: Refused['code'], message: string, hint: string): Refused {
  return { kind: 'refused', code, message, hint };
}

export function notFound(node: NodeId): Refused {
  return refused(
    'BATON_NODE_NOT_FOUND',
    `node ${node} is not in the group`,
    '`pgbaton show nodes` lists them.',
  );
}

export function busy(record: GroupRecord): Refused {
  return refused(
    'BATON_GROUP_BUSY',
    `a change of primary is under way: ${record.intent?.because ?? ''}`,
    'Wait until it is done; `pgbaton why` tells what it waits for.',
  );
}
